"""Django's settings: the typed configuration, secrets from the environment, nothing else."""

import os
from pathlib import Path

import environ
from csp.constants import NONE, SELF

from acron_site import __version__, broker, mailing
from acron_site.embedded import GENERATED_NAME, REDIS_NAMES
from acron_site.lib import config

BASE_DIR = Path(__file__).resolve().parent.parent
# `acron_site.embedded` has put the content of `.env` here, and the addresses of what it started
env = environ.Env()
# models.yaml names the variables that hold the providers' keys and addresses, so they cannot be listed here
ENVIRON = os.environ

ACRON = config.load(BASE_DIR / "config" / "config.yaml", os.environ)
DATA_DIR = BASE_DIR / ACRON.storage.data_dir

DEBUG = env.bool("DJANGO_DEBUG", default=False)
# without a secret of the operator's own, one is made once and kept beside the data (see `acron_site.embedded`)
SECRET_KEY = env("DJANGO_SECRET_KEY", default="")
ALLOWED_HOSTS = [host.strip() for host in ACRON.api.allowed_hosts.split(",") if host.strip()]
ENCRYPTION_KEY = env("ASAHI_ENCRYPTION_KEY", default="")
KEY_PEPPERS = env("ASAHI_KEY_PEPPERS", default="")
# which of these three we made ourselves because nobody set them
GENERATED_SECRETS = env.list(GENERATED_NAME, default=[])
REDIS_URL = next((env(name) for name in REDIS_NAMES if env(name, default="")), "")

# vectors of kept questions lie there where both are set, else in PostgreSQL; the host is the index's own
PINECONE_API_KEY = env("PINECONE_API_KEY", default="")
PINECONE_HOST = env("PINECONE_HOST", default="")

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.forms",
    "django.contrib.postgres",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_htmx",
    "csp",
    "lucide",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "acron_site",
    "accounts",
    "caching",
    "inference",
    "analytics",
]

MIDDLEWARE = [
    "acron_site.lib.api.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "acron_site.static_files.StaticFilesMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "acron_site.error_pages.ErrorPagesMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
]

ROOT_URLCONF = "acron_site.urls"
ASGI_APPLICATION = "acron_site.asgi.application"
APPEND_SLASH = False

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "accounts.context.who",
            ],
        },
    },
]

# our own templates of forms and fields: accessible once, everywhere
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

DATABASES = {"default": env.db_url("DATABASE_URL", default="postgresql:///acron")}
# the pool looks at a connection before it lends it: after a restart of PostgreSQL all that lie there are dead
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DATABASES["default"]["OPTIONS"] = {
    **DATABASES["default"].get("OPTIONS", {}),
    # CONN_MAX_AGE leaks connections under ASGI; the pool does not. But after each failure it would wait twice as long
    # before it tries again, up to minutes: `reconnect_timeout` keeps it ready for the end of an outage
    "pool": {"min_size": 0, "max_size": 8, "timeout": 3, "reconnect_timeout": 1},
    "connect_timeout": 3,
    "tcp_user_timeout": 5_000,  # milliseconds; a server that swallows data is noticed
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHES = {
    "default": (
        {
            "BACKEND": "acron_site.lib.spare_cache.RedisWithSpare",
            "LOCATION": REDIS_URL,
            "OPTIONS": {"SOCKET_TIMEOUT": 0.5, "SOCKET_CONNECT_TIMEOUT": 0.5},
        }
        if REDIS_URL and ACRON.cache.backend == "redis"
        else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    )
}

AUTH_USER_MODEL = "accounts.User"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 8}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]

AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",  # operators, at /admin/
    "allauth.account.auth_backends.AuthenticationBackend",
]
SESSION_ENGINE = "accounts.sessions"
SESSION_COOKIE_AGE = 14 * 86_400
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "getting-started"
ACCOUNT_ADAPTER = "accounts.sign_in.adapter.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_LOGOUT_REDIRECT_URL = "landing"
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_LOGIN_ON_EMAIL_CONFIRMATION = True  # in the browser that signed up, and only there
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_RATE_LIMITS = {
    "signup": None,  # counted by accounts.throttle, for pages and API together
    # a whole office may come from one address; passwords are guarded per account by accounts.throttle
    "login": "120/m/ip",
    "login_failed": "60/m/ip,5/300s/key",  # the key is a person: so often may a second factor be guessed, at all doors
}
ACCOUNT_FORMS = {
    "signup": "accounts.sign_in.forms.SignUpForm",
    "add_email": "accounts.sign_in.forms.ChangeEmailForm",
    "reset_password": "accounts.sign_in.forms.ResetPasswordForm",
    "reset_password_from_key": "accounts.sign_in.forms.NewPasswordForm",
    "change_password": "accounts.sign_in.forms.ChangePasswordForm",
}
MFA_ADAPTER = "accounts.sign_in.adapter.MfaAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "ACRON"
MFA_FORMS = {
    "add_webauthn": "accounts.sign_in.passkey_forms.AddForm",
    "edit_webauthn": "accounts.sign_in.passkey_forms.RenameForm",
    "authenticate_webauthn": "accounts.sign_in.passkey_forms.AuthenticateForm",
    "login_webauthn": "accounts.sign_in.passkey_forms.LogInForm",
    "reauthenticate_webauthn": "accounts.sign_in.passkey_forms.ReauthenticateForm",
}
MFA_TOTP_TOLERANCE = 1  # a phone's clock may be half a minute off
USERSESSIONS_ADAPTER = "accounts.sign_in.adapter.SessionsAdapter"
USERSESSIONS_TRACK_ACTIVITY = True

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [folder for folder in [BASE_DIR / "static"] if folder.is_dir()]
WHITENOISE_USE_FINDERS = True  # what is not collected is served from where it is written
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}

SENDGRID_API_KEY = env("SENDGRID_API_KEY", default="")
SENDGRID_BASE_URL = env("SENDGRID_BASE_URL", default="https://api.sendgrid.com")
_mailing = mailing.chosen(SENDGRID_API_KEY, env("EMAIL_URL", default=""))
EMAIL_BACKEND = _mailing.backend
EMAIL_HOST, EMAIL_PORT = _mailing.host, _mailing.port
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _mailing.user, _mailing.password
EMAIL_USE_TLS, EMAIL_USE_SSL = _mailing.is_starttls, _mailing.is_tls
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = SERVER_EMAIL = ACRON.email.from_address
PUBLIC_URL = mailing.public_url(ACRON.api.public_url, ACRON.api.host, ACRON.api.port)
# who would wait for an email that only the operator's console shows
_e_mails_leave = mailing.do_leave(EMAIL_BACKEND)
_is_awaited = mailing.is_awaited(ACRON.governance.email_verification, leaves=_e_mails_leave)
ACCOUNT_EMAIL_VERIFICATION = "mandatory" if _is_awaited else "optional"
# otherwise somebody could lock the owner of an address out of it for good, by a second factor on an unproven account
MFA_ALLOW_UNVERIFIED_EMAIL = not _e_mails_leave

# pages and the read API take small forms and JSON; large prompts go through the gateway's own door
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = env.bool("ACRON_HTTPS", default=False)
SECURE_SSL_REDIRECT = env.bool("ACRON_HTTPS", default=False)
SECURE_HSTS_SECONDS = 31_536_000 if env.bool("ACRON_HTTPS", default=False) else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = env.bool("ACRON_HTTPS", default=False)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.bool("ACRON_HTTPS", default=False) else None
SECURE_REDIRECT_EXEMPT = [r"^health"]
X_FRAME_OPTIONS = "DENY"

# nothing inline, nothing from elsewhere; Swagger's page has its own (see acron_site.docs)
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.authentication.ApiKeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["accounts.permissions.HasRight"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["acron_site.lib.api.JsonParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "acron_site.lib.api.exception_handler",
    "UNAUTHENTICATED_USER": None,
}

SPECTACULAR_SETTINGS = {
    "TITLE": "ACRON",
    "DESCRIPTION": "One gateway in front of the language models: it routes, caches and keeps the books.",
    "VERSION": __version__,
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PUBLIC": True,
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {  # both are called `state`
        "InvitationStateEnum": ["open", "expired"],
        "ApiKeyStateEnum": ["active", "unused", "expires_soon", "expired", "revoked"],
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "inference.api.schema.add_gateway",
    ],
}

CELERY_BROKER_URL = env("CELERY_BROKER_URL", default="") or broker.url(REDIS_URL)
CELERY_BROKER_TRANSPORT_OPTIONS = broker.options(CELERY_BROKER_URL, DATA_DIR / "jobs")
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_TIME_LIMIT = 600
CELERY_TASK_IGNORE_RESULT = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "filters": {"secrets": {"()": "acron_site.lib.logs.SecretFilter"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["secrets"]}},
    "root": {"handlers": ["console"], "level": env("DJANGO_LOG_LEVEL", default="INFO")},
    # Django logs each 4xx as a warning; the gateway's callers make many
    "loggers": {
        # takes away the handlers that Django brings along: they write and mail past the filter
        "django": {"level": "INFO"},
        "django.server": {"level": "INFO", "propagate": True},
        "django.request": {"level": "ERROR"},
        # a traceback for every scanner that tries another Host would fill the log; the answer says what is wrong
        "django.security.DisallowedHost": {"level": "CRITICAL"},
    },
}
