"""How the pages look to a person."""

from accounts.models import Theme, User


def choose_theme(user: User, theme: Theme) -> None:
    """A person's own taste: no organization is concerned, so nothing is audited."""
    user.theme = theme
    user.save(update_fields=["theme"])
