from django.apps import AppConfig


class MailboxesConfig(AppConfig):
    name = "samklang.mailboxes"
    default_auto_field = "django.db.models.BigAutoField"
