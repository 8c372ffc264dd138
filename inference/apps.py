"""The inference app, as Django knows it."""

from django.apps import AppConfig


class InferenceConfig(AppConfig):
    name = "inference"
    verbose_name = "Inference"

    def ready(self) -> None:
        from analytics import feedback
        from inference import complaints, opinions

        feedback.tell(complaints.heard)
        feedback.tell(opinions.heard)
