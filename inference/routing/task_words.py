"""The words that give a task away, with how much each says.

`^` before a phrase: only where a sentence begins, a polite opening not counted. A phrase of several words counts for
more than its parts, because all that fit are added up. The weights are a judgement, checked against labelled prompts.
"""

from collections.abc import Iterator, Mapping

_CODE = {
    3.0: """
        python|javascript|typescript|golang|kotlin|sql|html|css|bash|powershell|django|fastapi|numpy|pandas
        dockerfile|kubernetes|regex|regexp|git|npm|pip|webpack|traceback|stack trace|stacktrace|segfault
        nullpointerexception|typeerror|valueerror|keyerror|syntaxerror|compile error|compiler|unit test|unit tests
        pytest|junit|leetcode|terraform|yaml file|in java|java class|c++|c#|in rust|rust function|in go|node js
        nodejs|vue|angular|react|postgres|postgresql|mongodb|redis|pull request|codebase|source code|code review
        async await|useeffect|usestate|rest api|graphql|api endpoint|cron job|^refactor|^debug|^implement
        write a function|write a python|bash one|one liner|terraform module|write a program|write a script
        write code|python function|polars
    """,
    1.5: """
        code|function|method|class|variable|loop|array|algorithm|recursion|recursive|bug|compile|compiles|runtime
        query|schema|endpoint|script|component|database|index|migration|deploy|docker|linux|server|library|framework
        repository|branch|commit|thread safe|time complexity|big o|pointer|null|exception|json schema|parser|cache
        callback|async|type hints|stdin|stdout|nested|dictionary|dictionaries|hash map|linked list|binary tree
        program|programming|snippet|command line|shell
    """,
}
_REASONING = {
    3.0: """
        ^solve|^prove|^calculate|^compute|^evaluate the integral|^integrate|^differentiate|derivative|integral
        probability|equation|theorem|eigenvalue|eigenvalues|polynomial|smallest positive|positive integer
        positive integers|least positive|triangle|hypotenuse|logarithm|prime number|prime numbers|divisors|divisible
        how many ways|step by step|next number|logic puzzle|riddle|show that|expected value|expected number|modulo
        remainder|least common multiple|greatest common divisor|simplify|factorize|matrix|permutations|combinations
        km h|mph|consecutive|integers|how long does it take|how long will it take|syllogism|does it follow
    """,
    1.5: """
        sum of|product of|average|mean|median|variance|percent|percentage|discount|ratio|fraction|times as|twice as
        half of|total|how much|left over|remaining|altogether|each|per hour|per day|speed|distance|interest|profit
        angle|radius|area|perimeter|if all|some|therefore|conclude|puzzle|dice|die|coin|odds|sequence|square root
        squared|positive|years old|older than|faster|in total|doubles|triples|clue|exactly|at least one|workers
        who lives|knights|liar
    """,
}
_EXTRACTION = {
    3.5: """
        ^extract|^pull out|^parse|^identify the named entities|named entities|named entity|^list all|^list every
        mentioned in|^find all|^get the|^capture|^pull the|^pull|^collect|fill in|key value pairs|^return json with
        with the fields|action items|as json|into a table|out of this|from the text|from the following
        in the following email|in this text|from this|^locate every|^retrieve the|^give me only|only the values
        values of
    """,
    1.5: """
        fields|field|invoice|receipt|contract|resume|cv|transcript|entities|email addresses|phone numbers
        phone number|dates|names|amounts|keywords|mentioned|mentions|which skills|address|urls|values|columns|^find
        ^list|^return|^output|^identify|below|following text|in this letter|in this note|in this document|prices
    """,
}
_CLASSIFICATION = {
    3.5: """
        ^classify|^categorize|^categorise|^label|sentiment|spam|^tag|^assign a|which category|into one of
        one of the following|categories|one of|answer yes or no|yes or no|true or false|is this review
        positive or negative|positive negative or neutral|entail|entails|entailment|the intent|intent of|toxic
        toxicity|sarcastic|fraudulent|formal or informal|^detect the language|only the label|only one label
        with the label|^determine whether|^decide which|^decide whether|mean the same|paraphrases of|fact or opinion
        ^rate how|^sort these|into the categories|offensive|hate speech
    """,
    1.5: """
        ^rate|^grade|^flag|^choose|^determine|^decide|category|priority|topic|tone|label|labels|genre
        correct or incorrect|is this|is the following|emotion|rules|legitimate|which of these categories|either
        neutral|about x or|review|headline|ticket|severity|department|relevant|irrelevant|tweet|answer only
        respond with only
    """,
}
_SUMMARIZATION = {
    4.0: """
        ^summarize|^summarise|summarize|summarise|summary|tldr|tl dr|^condense|^sum up|sum up|key takeaways
        takeaways|^recap|main points|key points|in a nutshell|^boil|^distill|^distil|the gist|gist of
        executive summary|brief overview|digest|^shorten|abstract for|^create an abstract|main arguments|^abridge
        in one sentence
    """,
    1.5: """
        bullet points|short version|briefly|overview|the essentials|abstract for|main themes|highlights|minutes
        ^reduce|^outline|article|meeting notes|report|paragraph|thread|under 100 words|in brief|key findings
        document below|chapter
    """,
}
_TRANSLATION = {
    4.5: """
        ^translate|translate|translation|translator|übersetze|übersetz|übersetzen|traduce|traduis|traduire|traducir
        traduci|переведи|翻译|翻訳|^localize|^localise|how do you say|how do i say|how to say|back translate
    """,
    2.0: """
        into french|into spanish|into german|into english|into italian|into japanese|into chinese|into dutch
        into polish|into portuguese|into arabic|into russian|into korean|to french|to spanish|to german|to english
        to italian|to japanese|to chinese|to dutch|to polish|to portuguese|to arabic|to russian|to korean|to swedish
        to hindi|to turkish|in german|in french|in spanish|in japanese|in italian|in formal german|in english
        word for|into swedish|into turkish|into hindi|from english|from german|from french|from chinese|from spanish
        into latin|in greek|in korean|version of this|mean in english|called in
    """,
    1.2: """
        french|spanish|german|english|italian|japanese|chinese|dutch|polish|portuguese|arabic|russian|korean|swedish
        finnish|danish|norwegian|turkish|greek|hindi|czech|hungarian|vietnamese|thai|hebrew|mandarin|brazilian
    """,
}
_WRITING = {
    3.0: """
        ^draft|^compose|^rewrite|^rephrase|^paraphrase|^proofread|^continue this|^continue the story|^brainstorm
        ^come up with|poem|haiku|sonnet|short story|story about|blog post|cover letter|press release|song lyrics
        lyrics|essay about|essay on|speech|toast|slogan|slogans|tagline|limerick|screenplay|newsletter|linkedin post
        product description|subject line|more formal|more polite|sounds friendlier|names for|love letter|fairy tale
        an email to|a letter to|a reply|children's book|^polish|^edit this
    """,
    1.5: """
        ^write a|^write an|^write me|^make this|^improve|^create a|^generate a|^give me|story|essay|email|letter
        dialogue|invitation|blog|post|caption|paragraph|tone|persuasive|creative|catchy|funny|character|plot
        about 600 words|words long|in the style of|simpler words|rhyme|verse|novel|scene|script for|advert
        announcement|grammar
    """,
}
_QUESTION_ANSWERING = {
    2.2: """
        ^what is the capital|^who wrote|^who was|^who is|^who invented|^when did|^when was|^where is|^where do
        ^where did|^what is the difference|what's the difference|^explain|^describe|^tell me about|^what causes
        ^why do|^why is|^why are|^why does|^how does|^how do|^how tall|^how far|^how long|^how old|^how deep
        ^what year|answer the question|using the context|^which of the following|^which of these|^what are
        ^which country|^in which|^what does|^how is|^how are|^define|based on the context|according to the passage
    """,
    1.6: """
        ^what|^who|^when|^where|^why|^how|^which|^is|^are|^can|^does|^do|^did|^was|^were|^should|^will|^has|^have
        ^what's|^name|context|question|passage|history of|meaning of|capital of|symptoms|^how many|country|century
        president|is it safe|difference
    """,
}
_CONVERSATION = {
    3.0: """
        ^hi|^hello|^hey|^good morning|^good evening|^good night|^thanks|^thank you|^bye|^lol|^haha|^nice to meet you
        how are you|i feel|i'm feeling|tell me a joke|^who are you|what's up|stay in character|see you
        are you a robot|are you human|let's chat|^ok|^okay|^sure|^yes|^no|^cool|^great|^sorry|do you like
        do you think|do you ever|do you feel|not what i meant|should we talk|^never mind|your name|your favourite
        your favorite|what do you think|^you are captain|roleplay|role play
    """,
    1.4: """
        ^i'm|^i am|^i had|^i have|^i've|^i don't|^i can't|^i want|^my|my friend|my day|my boss|my mum|my mom|my dad
        lonely|sad|nervous|tired|anxious|bored|happy|excited|my girlfriend|my boyfriend|my wife|my husband|you're
        i think|i was|i just|my card|my account|i lost|i still|hasn't|died|i love|i hate|i need|i tried|can i|do you
        why is my|why was my|how do i|what should i
    """,
}
_AGENTIC = {
    4.0: """
        following tools|access to tools|action input|observation|which tool|call a tool|tool to call|next tool
        function call|autonomous agent|you are an agent|subtasks|delegate|orchestrator|sub agents|^plan your steps
        click id|taking actions|control a browser|operating a computer|run shell commands|execute commands
        use the tools|use your tools|tool calls|available functions|functions are|next action
    """,
    1.5: """
        tools|tool|agent|agents|action|thought|goal|browser|screenshot|workflow|^book|^send|^schedule|^open|^turn
        ^search the web|^check|^look up|step by step plan|execute|invoke|shell|next step
    """,
}

_CUES: Mapping[str, Mapping[float, str]] = {
    "code": _CODE,
    "reasoning": _REASONING,
    "extraction": _EXTRACTION,
    "classification": _CLASSIFICATION,
    "summarization": _SUMMARIZATION,
    "translation": _TRANSLATION,
    "writing": _WRITING,
    "question_answering": _QUESTION_ANSWERING,
    "conversation": _CONVERSATION,
    "agentic": _AGENTIC,
}
TASKS = tuple(_CUES)
# said before the verb that counts, where a sentence begins
_OPENINGS = """
    please can could would you i need want to help me kindly now just let's and then also first finally us like
    your task is
"""
OPENINGS = frozenset(_OPENINGS.split())


def cues() -> Iterator[tuple[tuple[str, ...], bool, int, float]]:
    """Each phrase as words, whether it must begin a sentence, its task's place in TASKS, and its weight."""
    for place, task in enumerate(TASKS):
        for weight, phrases in _CUES[task].items():
            for line in phrases.strip().splitlines():
                for phrase in line.strip().split("|"):
                    yield tuple(phrase.lstrip("^").split()), phrase.startswith("^"), place, weight
