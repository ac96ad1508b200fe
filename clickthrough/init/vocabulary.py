"""The words that names of columns are made of, by what they hint at."""

LABELS = (("click", "clicked", "clicks", "clk"), ("label",), ("target", "y"),
          ("response", "outcome"),
          ("attributed", "converted", "conversion", "purchased", "installed",
           "booked"))  # fmt: skip
"""Words for a label, the surest first."""
RATINGS = ("rating", "ratings", "stars", "score")
TIMES = ("timestamp", "time", "datetime", "date", "ts", "hour", "day", "at", "when")
OTHER_TIMES = ("birth", "birthday", "born", "signup", "registered", "registration", "release",
               "released", "publish", "published", "updated", "expires")  # fmt: skip
"""Words for a moment in the life of a user or an item, not that of an impression."""
REQUESTS = ("request", "display", "impression", "auction", "query", "search", "pageview", "session",
            "slate", "srch", "page")  # fmt: skip
USERS = ("user", "uuid", "uid", "visitor", "member", "customer", "cookie", "viewer", "reader",
         "person", "client", "device", "ip")  # fmt: skip
ITEMS = ("ad", "ads", "advert", "adverts", "item", "article", "movie", "product", "creative", "sku",
         "banner", "news", "offer", "listing", "document", "doc", "content", "video", "song",
         "book", "prop", "campaign", "adgroup", "post")  # fmt: skip
IDS = ("id", "ids", "code", "type", "category", "cat", "kind", "class", "zip", "group", "key")
KINDS = ("type", "category", "cat", "kind", "class", "age", "gender", "sex", "agent")
"""Words for what many users or items have in common: such a column is neither."""
ENTITIES = ("country", "city", "region", "state", "province", "county", "postcode", "postal",
            "location", "geo", "dma", "occupation", "job", "profession", "education", "gender",
            "sex", "marital", "brand", "publisher", "advertiser", "site", "domain", "app",
            "channel", "network", "platform", "os", "browser", "model", "language", "lang",
            "locale", "genre", "topic", "segment", "cluster", "store", "shop", "seller", "vendor",
            "department", "placement", "slot", "format", "adgroup", "carrier", "section", "tag",
            "keyword", "hotel", "destination")  # fmt: skip
"""Words for what is one of many: numbers of it are codes, and their size says nothing."""
COUNTING = ("num", "n", "count", "cnt", "number", "avg", "mean", "total", "sum", "max", "min")
"""Words that begin the name of a quantity, whatever it counts."""
QUANTITIES = ("price", "cost", "bid", "budget", "amount", "income", "salary", "revenue", "fee",
              "discount", "balance", "age", "count", "cnt", "total", "sum", "avg", "mean",
              "duration", "seconds", "secs", "minutes", "hours", "days", "weeks", "months", "ms",
              "length", "len", "size", "width", "height", "area", "depth", "distance", "weight",
              "position", "pos", "rank", "score", "rating", "rate", "ratio", "percent", "pct",
              "qty", "quantity", "stock", "views", "visits", "likes", "impressions", "clicks",
              "purchases", "sessions", "temperature", "level", "frequency", "recency",
              "elapsed")  # fmt: skip
CLICKS = ("clicks", "click", "clicked", "clk")
LATER = ("after", "next", "conversion", "converted", "conversions", "dwell", "purchase",
         "purchased", "revenue", "attributed", "attribution", "outcome", "booked", "booking",
         "scroll", "watchtime", "install", "installed")  # fmt: skip
"""Words for what is known only after the impression was shown, beside its clicks."""
PAST = ("past", "prev", "previous", "prior", "last", "before", "hist", "historic", "historical",
        "history")  # fmt: skip
"""Words for what was known before the impression was shown, whatever they are about."""

_SHORT = {"at", "ts", "ip", "y", "n", "os", "ms"}
JOINS = frozenset({*USERS, *ITEMS, *REQUESTS, *ENTITIES, *TIMES, *CLICKS, "is", "has", "event",
                   "view", "zip", "group", "category"} - _SHORT)  # fmt: skip
"""Words that others are joined to without a sign between: user and id in userid."""
ENDS = frozenset({*IDS, *QUANTITIES, *CLICKS, *TIMES, *RATINGS, "uuid", "name", "label"} - _SHORT)
"""Words that end a name of several joined words."""
KNOWN = frozenset({*JOINS, *ENDS, *COUNTING, *LATER, *PAST, *OTHER_TIMES, *_SHORT,
                   *(word for level in LABELS for word in level)})  # fmt: skip
