"""The desktop app. `app.main` is where one enters; every folder is one room, and rooms import downwards only."""
