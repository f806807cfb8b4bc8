"""Every address of the installation."""

from django.urls import path

from samklang.web import signin

urlpatterns = [
    path("sign-in", signin.sign_in, name="sign-in"),
    path("sign-out", signin.sign_out, name="sign-out"),
]
