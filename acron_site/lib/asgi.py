"""What the gateway's door and our own web workers agree on beyond ASGI."""

# the name of the extension in a request's scope, and of the message it allows: {type, status, headers, body}
WHOLE_RESPONSE = "acron.response"
# in a request's scope: a function that takes another, to be called when the caller hangs up before the answer is sent
HANG_UP = "acron.hang_up"
