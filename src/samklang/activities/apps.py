from django.apps import AppConfig


class ActivitiesConfig(AppConfig):
    name = "samklang.activities"
    label = "activities"
