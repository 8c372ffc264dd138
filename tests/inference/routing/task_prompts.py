"""Short prompts with the task that a person would say each is; written for this project.

Every second one of a task was not scored while weights were chosen; its words were known, so it is no blind test.
"""
# ruff: noqa: E501 - a prompt is a line

from typing import Any

CODE = r"""
Write a Python function that returns the second largest number in a list.
my react component re-renders on every keystroke, how do I stop it
Convert this SQL query to use a window function: SELECT user_id, MAX(created_at) FROM orders GROUP BY user_id
What does `git rebase --onto` do?
Refactor the following so that it doesn't nest so deeply:\n```js\nif (a) { if (b) { if (c) { run() } } }\n```
TypeError: 'NoneType' object is not subscriptable on line 14, what am I doing wrong?
Implement a thread-safe LRU cache in Go.
Add type hints to this: def area(w, h): return w * h
Write a bash one-liner that deletes all files older than 30 days in /tmp
Explain why this regex catastrophically backtracks: ^(a+)+$
Create a Dockerfile for a FastAPI app with poetry.
How can I merge two dictionaries in python without overwriting keys?
Write unit tests for the parse_date function below.\n\ndef parse_date(s):\n    return datetime.strptime(s, "%Y-%m-%d")
I need a CSS grid with three columns that collapses on mobile
Fix the bug in this loop: for (int i = 0; i <= arr.length; i++) sum += arr[i];
Design a REST API endpoint for uploading avatars, with the OpenAPI schema.
Write a Terraform module that creates an S3 bucket with versioning.
why does my useEffect run twice in development
Port this pandas code to polars: df.groupby("city").agg({"price": "mean"})
Generate a migration that adds an index to the email column in Django.
Review this pull request diff and point out problems:\n- return x\n+ return x or None
What is the time complexity of heapsort, and can you show it in Rust?
"""

REASONING = r"""
A train leaves at 3 pm at 80 km/h and another at 4 pm at 100 km/h. When does the second catch up?
Solve for x: 3x^2 - 12x + 9 = 0
If all bloops are razzies and some razzies are lazzies, are all bloops lazzies?
Prove that the square root of 2 is irrational.
Maria has 12 apples. She gives away a third and buys 5 more. How many apples does she have now?
What is the probability of rolling at least one six in four throws of a die?
Evaluate the integral of x * e^x from 0 to 1.
Five people sit in a row. Ann is not next to Bob, and Carl sits at an end. In how many ways can they sit?
A shirt costs $40 after a 20% discount. What was the original price?
Find the derivative of ln(sin(x)).
Is 9.11 larger than 9.9? Think step by step.
How many positive divisors does 360 have?
Three switches control one lamp in another room. You may enter it once. How do you find out which switch it is?
Compute 17 * 243 - 88 / 4
A bacteria population doubles every 20 minutes. Starting at 500, how many are there after 3 hours?
Show that the sum of two odd integers is even.
What is the next number in the sequence 2, 6, 12, 20, 30?
You have a 3 litre and a 5 litre jug. How do you measure exactly 4 litres?
Find the eigenvalues of the matrix [[2, 1], [1, 2]].
Tom is twice as old as Jerry was when Tom was as old as Jerry is now. Together they are 49. How old is Tom?
If it takes 6 workers 8 days to build a wall, how long does it take 4 workers?
A fair coin is tossed 10 times. What is the expected number of heads, and its variance?
"""

EXTRACTION = r"""
Extract all email addresses from the text below.\n\nContact jo@corp.test or the desk at help@corp.test.
Pull the invoice number, date and total out of this: Invoice 2291, 4 May 2026, total EUR 310.50
List every person and company mentioned in this article: Lena Ortiz left Veltron to join Marsh & Sons.
Return JSON with the fields name, phone and city: "Hi, Sam Reed here from Leeds, call me on 0113 555 0100"
From the following contract, find the notice period and the governing law.\nThis agreement may be ended with 60 days' notice. The law of Ireland applies.
Parse this address into street, postcode and town: 14 Mill Lane, OX2 6TT Oxford
What dates are mentioned in the following email? "Let's meet on 3 June, or the week after on the 11th."
Identify the named entities in: Angela visited the Louvre in Paris last May.
Get the product names and prices from this receipt:\nMilk 1.20\nBread 2.80\nEggs 3.10
Fill in this form from the transcript. Fields: caller, reason, callback number.\nTranscript: This is Dee, my heating is off, 555-0182.
Extract the action items with their owners from these meeting notes: Raj sends the deck; Kim books the room.
Which skills does the candidate list in this CV? "Five years of SQL, some Spark, fluent Dutch."
Find all URLs in the text and return them as a list: see https://a.test/x and http://b.test
Turn this paragraph into a table with columns country, capital, population: Norway's capital is Oslo, 5.5 million people live there.
Read the lab report and give me only the values of haemoglobin and ferritin. Report: Hb 13.1 g/dl, ferritin 40 ng/ml, CRP 2.
Capture the sender, subject and deadline from the message below as JSON.\nFrom: Ulla. Re: grant. We need it by Friday.
extract the keywords from this abstract: We study the migration of swifts over the Alps.
Locate every mention of a medicine in this note: Pt takes ibuprofen 400 and metformin.
Take the quantities and ingredients out of this recipe: mix 200 g flour with 2 eggs and a pinch of salt
What is the IBAN in this letter? "Please pay to DE00 1234 5678 by the end of May."
Scrape the phone numbers from the text: office 020 555 0199, mobile 07700 900123
Output the job title, salary range and location of this advert: Baker wanted in Bath, 24-27k.
"""

CLASSIFICATION = r"""
Classify the sentiment of this review as positive, negative or neutral: "The room was tiny but the staff were lovely."
Is the following email spam? Answer yes or no.\n\nYou have won a cruise! Click here.
Which category fits this ticket best: billing, bug, feature request? "I was charged twice in May."
Label each sentence as fact or opinion.\n1. Water boils at 100 C.\n2. Tea is better than coffee.
Determine whether the two sentences mean the same: "He left early." / "He went home before the end."
Assign a priority (P1, P2, P3) to this incident: checkout is down for all customers
What is the tone of this message, formal or informal? "hey, you around later?"
Does the premise entail the hypothesis? Premise: A man plays a guitar. Hypothesis: A man makes music.
Tag this news headline with one of: sports, politics, business, science. "Rover finds ice under Martian dust"
Rate how toxic this comment is from 0 to 5: "you lot never learn"
Decide which department should handle this request: HR, IT or Facilities. "My badge no longer opens the door."
Detect the language of this text and answer with its ISO code: "Dove si trova la stazione?"
Categorize these expenses into travel, food and office: taxi 12, toner 40, lunch 9
Is this tweet sarcastic? "Great, another Monday. Just what I needed."
Choose the intent of the user from [book_flight, cancel_flight, other]: "I can't make it on Tuesday any more"
Would you say that this product question is about shipping or about returns? "When will my parcel arrive?"
Sort these messages into complaint, praise and question: "Love it!", "Where is my order?", "It broke."
Respond with only one label, True or False: the claim "Lisbon is the capital of Spain".
Grade this answer as correct, partially correct or incorrect. Question: name a noble gas. Answer: neon.
Is this transaction likely to be fraudulent or legitimate? 3 am, new device, 900 EUR, gift cards
Identify the emotion expressed here (joy, anger, fear, sadness): "I can't believe they did that to her!"
Flag whether this comment breaks the rules: no insults, no advertising. "Buy cheap watches at my shop"
"""

SUMMARIZATION = r"""
Summarize the following article in three bullet points.\n\nThe council voted on Monday to close the old bridge for repairs...
TL;DR of this thread please: A: can we ship? B: not before the audit. C: audit is Tuesday.
Give me a one-sentence summary of the meeting notes below.\nWe talked about the launch, the budget and the new hire.
What are the key takeaways from this report? Sales fell by 4 % in spring and recovered in summer.
Condense this paragraph to under 30 words: The museum, which opened in 1911 and was rebuilt after the fire, welcomes guests daily.
Write an executive summary of the attached proposal.
Shorten this text without losing the main points: Our service has been running since 2009 and has changed hands twice.
Recap what happened in this chat so far for a colleague who just joined.\nAda: deploy failed. Grace: rolled back.
Summarise this paper's abstract for a lay reader: We show that gut flora in mice react to light.
Boil this down to the essentials: the landlord may enter with 24 hours' notice, except in an emergency, when...
Can you sum up the plot of this chapter? Pip meets the convict on the marshes and steals a file for him.
Provide a brief overview of the document below, focusing on risks.\nThe plant runs on two pumps, of which one is old.
Create an abstract for the following text: Bees find flowers by scent and by colour. We tested which matters more.
summary of this call transcript, max 5 lines: agent: hello. caller: my router blinks red.
In a nutshell, what does this privacy policy say? We collect your name and keep it for ten years.
Distil the customer feedback below into the three main themes.\n"Too slow." "Love the colours." "Slow again."
Make a digest of today's news items: rates unchanged; storm in the north; cup final postponed.
Please give the gist of this letter: Dear tenant, we write to inform you that from May on...
Outline the main arguments of this essay: Cities should plant more trees, because shade saves lives...
Reduce this to a tweet: We are glad to tell you that our shop opens again next Monday after a long winter.
Summarize the changes in this release: fixed login; faster search; new icons.
Write the minutes of this discussion in brief: Bo wants red, Al wants blue, they agree on green.
"""

TRANSLATION = r"""
Translate to French: Where is the nearest pharmacy?
How do you say "good luck" in Japanese?
Übersetze ins Englische: Der Zug hat Verspätung.
Translate the following paragraph into Spanish, keeping the formatting.\n\n**Welcome** to our shop.
What does "je ne sais quoi" mean in English?
Please render this sentence in formal German: Send me the file.
Traduce al inglés: Mañana no puedo ir a la reunión.
Translate this product description from Chinese to English: 这款水壶可以保温十二小时。
I need the Portuguese version of this email: Dear guests, breakfast is from seven to ten.
English to Polish: "The meeting was moved to Thursday."
Put this into Italian, informal: Are you coming tonight?
You are a translator. Translate everything I write into Dutch: The bridge is closed.
Traduis en anglais : Je voudrais réserver une table pour deux.
Localize these interface strings for Brazil: Save, Cancel, Are you sure?
What's the Korean word for library?
Translate the JSON values (not the keys) to Swedish: {"title": "Your basket", "empty": "Nothing here yet"}
Convert this text to Arabic: Opening hours are nine to five.
translate: "bis später" -> en
Give me three ways to say thank you in Greek.
Can you translate this legal clause into plain Finnish? The lessee shall indemnify the lessor.
Back-translate this into English to check it: Le chat dort sur le canapé.
Переведи на английский: Спасибо за помощь.
"""

WRITING = r"""
Write a short story about a lighthouse keeper who is afraid of the dark.
Draft an email to my landlord asking for the heating to be fixed.
Write a haiku about autumn rain.
Compose a LinkedIn post announcing our new office in Lyon.
Rewrite this sentence so that it sounds friendlier: Send the report by noon.
Give me ten names for a bakery that only sells rye bread.
Write a product description for a foldable bicycle helmet.
Help me write a cover letter for a junior gardener position.
Brainstorm slogans for a campaign against littering.
Continue this story: The door had been locked for twenty years when...
Write a wedding toast for my sister, funny but not mean.
Proofread and improve this paragraph: Our team are exited to anounce the new feature.
Create a blog post about the benefits of walking to work, about 600 words.
Make this text more formal: hey guys, quick heads up, the thing's broken again
Write a persuasive speech against longer school days.
Come up with a plot for a children's book about a shy dragon.
Compose a polite reply declining this invitation.
Write song lyrics about leaving a small town.
Paraphrase the following in simpler words: The edifice was erected in haste.
Draft a press release for the opening of a community library.
Generate a catchy subject line for our spring newsletter.
Write a dialogue between the moon and a streetlamp.
"""

QUESTION_ANSWERING = r"""
What is the capital of Mongolia?
Who wrote The Master and Margarita?
Why is the sky blue?
When did the Berlin Wall fall?
How does a heat pump work?
What's the difference between a virus and a bacterium?
Explain the causes of the First World War.
How tall is Mount Kilimanjaro?
Which vitamins are soluble in fat?
Answer the question using the context. Context: The shop opens at nine. Question: When does the shop open?
Is it safe to eat raw mushrooms?
How many moons does Jupiter have?
Tell me about the history of the printing press.
What are the symptoms of iron deficiency?
Who is the current secretary general of the United Nations?
Where do monarch butterflies spend the winter?
Can dogs eat grapes?
What causes inflation?
Which of these is a mammal? A) shark B) dolphin C) trout D) newt
Describe how vaccines train the immune system.
how long do you boil an egg so that it is soft
What year was the first email sent?
"""

CONVERSATION = r"""
Hi there!
Thanks, that was really helpful.
I feel a bit lonely today.
Good morning, how are you doing?
lol you're funny
What should we talk about?
I had such a long day at work, my boss was in a terrible mood again.
Do you ever get bored?
ok cool
Tell me a joke
You are Captain Flint, a grumpy pirate. Stay in character.\n\nAhoy, what's for dinner?
I'm nervous about my first date tonight
hey, can I ask you something?
My cat died yesterday and I don't know what to do with myself.
Who are you?
no, that's not what I meant
Haha, yes! And you, what do you like?
My card still hasn't arrived and it has been two weeks
bye, see you tomorrow
What do you think about people who talk to plants?
I want to top up my account but it keeps declining me
Nice to meet you, I'm Kofi
"""

_TOOL = {"type": "function", "function": {"name": "search", "parameters": {"type": "object"}}}
_CALLED = {"role": "assistant", "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "search"}}]}

AGENTIC = r"""
Find a flight to Oslo on Friday and book the cheapest one.
Check the weather in Lima and tell me whether to take an umbrella.
Look up order 5512 and refund it if it has not been shipped.
Open the ticket, assign it to Dana and post a note in the channel.
Go through the repository, run the tests and fix what fails.
What meetings do I have tomorrow? Move the first to the afternoon.
Send the report to everyone on the list and log it in the CRM.
Search the web for the three newest reviews of this camera and compare them.
Turn off the lights in the kitchen and set the heating to 19.
Read config.yaml, change the port to 8081 and restart the service.
Create a calendar event for the launch and invite the design team.
How is the share price of Veltron doing right now?
"""

_SCAFFOLDS = r"""
You have access to the following tools: search, calculator. Use the format Thought, Action, Action Input, Observation.\n\nHow old is the mayor of Graz?
You are an autonomous agent. Plan your steps, call a tool at each step, and stop when the goal is reached. Goal: tidy the inbox.
Break this goal into subtasks and delegate each to one of the agents: researcher, writer, reviewer. Goal: publish a market study.
Thought: I need the price first.\nAction: lookup\nObservation: 12 EUR\nThought:
Decide which tool to call next and answer with its arguments as JSON only. Tools: get_user(id), close_ticket(id).
You control a browser. Reply with one of click(id), type(id, text), scroll(). Task: buy a stamp.
You can run shell commands. Use them to find out why the disk is full.
Respond with the next function call only: functions are open_door(), wait(seconds).
Act as an orchestrator: choose the next agent to run and pass it its instructions.
You are operating a computer by taking actions. Screenshot follows. Task: open the settings.
"""


def _lines(text: str) -> list[str]:
    return [line.replace("\\n", "\n") for line in text.strip().split("\n")]


def said(text: str, **fields: Any) -> dict[str, Any]:
    return {"model": "auto", "messages": [{"role": "user", "content": text}], **fields}


def _with_tools(index: int, text: str) -> dict[str, Any]:
    body = said(text, tools=[_TOOL])
    if index % 3 == 0:
        body["messages"] += [_CALLED, {"role": "tool", "tool_call_id": "c1", "content": "found"}]
    return body


PROMPTS: dict[str, list[dict[str, Any]]] = {
    "code": [said(line) for line in _lines(CODE)],
    "reasoning": [said(line) for line in _lines(REASONING)],
    "extraction": [said(line) for line in _lines(EXTRACTION)],
    "classification": [said(line) for line in _lines(CLASSIFICATION)],
    "summarization": [said(line) for line in _lines(SUMMARIZATION)],
    "translation": [said(line) for line in _lines(TRANSLATION)],
    "writing": [said(line) for line in _lines(WRITING)],
    "question_answering": [said(line) for line in _lines(QUESTION_ANSWERING)],
    "conversation": [said(line) for line in _lines(CONVERSATION)],
    "agentic": [_with_tools(index, line) for index, line in enumerate(_lines(AGENTIC))]
    + [said(line) for line in _lines(_SCAFFOLDS)],
}
TUNED = [(task, body) for task, bodies in PROMPTS.items() for body in bodies[::2]]
HELD_OUT = [(task, body) for task, bodies in PROMPTS.items() for body in bodies[1::2]]
