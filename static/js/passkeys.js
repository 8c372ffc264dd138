// Passkeys: asks the browser for one and posts what it answers. Forms say what they want:
// data-passkey="add" and "prove" find their options in #passkey-options, "login" fetches them from its own address.

const PROBLEMS = {
  AbortError: "That was interrupted. Try again.",
  InvalidStateError: "This passkey or key is added already.",
  NotAllowedError: "The browser got no answer: it was cancelled, or it took too long. Try again.",
  NotSupportedError: "This device or key cannot do what is asked. Try another one.",
  SecurityError: "Passkeys need https and a host name, not an IP address. On your own machine, open this site at http://localhost.",
};

const toBytes = (text) => {
  const base64 = text.replaceAll("-", "+").replaceAll("_", "/");
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
};

const toText = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

const known = (credentials = []) => credentials.map((credential) => ({ ...credential, id: toBytes(credential.id) }));

async function add(form, { publicKey }) {
  const isPasskey = form.elements.passwordless?.checked ?? false;
  const credential = await navigator.credentials.create({
    publicKey: {
      ...publicKey,
      challenge: toBytes(publicKey.challenge),
      user: { ...publicKey.user, id: toBytes(publicKey.user.id) },
      excludeCredentials: known(publicKey.excludeCredentials),
      authenticatorSelection: {
        ...publicKey.authenticatorSelection,
        residentKey: isPasskey ? "required" : "discouraged",
        requireResidentKey: isPasskey,
        userVerification: isPasskey ? "required" : publicKey.authenticatorSelection?.userVerification,
      },
    },
  });
  return described(credential, {
    attestationObject: toText(credential.response.attestationObject),
    transports: credential.response.getTransports?.() ?? [],
  });
}

async function prove({ publicKey }) {
  const credential = await navigator.credentials.get({
    publicKey: { ...publicKey, challenge: toBytes(publicKey.challenge), allowCredentials: known(publicKey.allowCredentials) },
  });
  const { authenticatorData, signature, userHandle } = credential.response;
  return described(credential, {
    authenticatorData: toText(authenticatorData),
    signature: toText(signature),
    userHandle: userHandle ? toText(userHandle) : null,
  });
}

const described = (credential, response) => ({
  type: credential.type,
  id: credential.id,
  rawId: toText(credential.rawId),
  response: { clientDataJSON: toText(credential.response.clientDataJSON), ...response },
  clientExtensionResults: credential.getClientExtensionResults(),
});

async function options(form) {
  if (form.dataset.passkey !== "login") {
    const data = JSON.parse(document.getElementById("passkey-options").textContent);
    return data.creation_options ?? data.request_options;
  }
  const answer = await fetch(form.action, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error("The server did not answer. Reload the page and try again.");
  return (await answer.json()).request_options;
}

async function start(form) {
  const problem = form.querySelector("[data-passkey-problem]");
  problem.hidden = true;
  try {
    const wanted = await options(form);
    const credential = form.dataset.passkey === "add" ? await add(form, wanted) : await prove(wanted);
    form.elements.credential.value = JSON.stringify(credential);
    form.submit();
  } catch (error) {
    problem.textContent = PROBLEMS[error.name] ?? error.message;
    problem.hidden = false;
  }
}

if (window.PublicKeyCredential) {
  for (const form of document.querySelectorAll("form[data-passkey]")) {
    form.hidden = false;
    form.querySelector("[data-passkey-start]").addEventListener("click", () => start(form));
  }
}
