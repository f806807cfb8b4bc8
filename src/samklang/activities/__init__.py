"""The built-in PSA calendar: activity types, activities, series and who takes part."""
