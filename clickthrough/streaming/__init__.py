"""Events as they happen: impressions shown and clicked, attributed and counted."""
