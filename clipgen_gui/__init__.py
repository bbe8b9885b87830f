"""The desktop app. Entry point: `app.main`. Each folder is one room; rooms import downwards only."""
