from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "samklang.accounts"
    label = "accounts"
