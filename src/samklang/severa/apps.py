from django.apps import AppConfig


class SeveraConfig(AppConfig):
    name = "samklang.severa"
    label = "severa"
