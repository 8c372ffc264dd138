"""What the gateway's door and our own web workers agree on beyond ASGI."""

# the name of the extension in a request's scope, and of the message it allows: {type, status, headers, body}
WHOLE_RESPONSE = "acron.response"
