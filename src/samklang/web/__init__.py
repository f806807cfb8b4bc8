"""Pages by area (calendar, settings, profile, sign-in) and the APIs: Samklang's own and the Severa-compatible one."""
