"""What the example account consists of, as data: two sites in two time zones, eight doors, sixty people."""

from typing import Any, Final

ACCOUNT: Final = {"name": "Harbour House", "time_zone": "Europe/London"}
OWNER: Final = {"email": "owner@harbour.example", "role": "owner", "first_name": "Olivia", "last_name": "Owner"}
APPLICATION: Final = {
    "name": "Harbour House bookings",
    "redirect_uris": ["http://127.0.0.1:8765/callback"],
}

SITES: Final[list[dict[str, Any]]] = [
    {"name": "Harbour House Bristol", "time_zone": "Europe/London", "notes": "The old rope works at the quay"},
    {"name": "Harbour House Berlin", "time_zone": "Europe/Berlin", "notes": "Second courtyard, first floor"},
]
HOLIDAYS: Final = [("Harbour House Bristol", "GB", "ENG"), ("Harbour House Berlin", "DE", "BE")]

CREDENTIAL_TYPES: Final = [
    {"label": "Card number", "slug": "card_number", "kind": "card"},
    {"label": "PIN", "slug": "pin", "kind": "pin"},
    {"label": "Duress PIN", "slug": "duress_pin", "kind": "duress"},
]

CHANNELS: Final[list[dict[str, Any]]] = [
    {"name": "Front door", "site": "Harbour House Bristol"},
    {"name": "Goods entrance", "site": "Harbour House Bristol"},
    {"name": "Meeting room Brunel", "site": "Harbour House Bristol"},
    {"name": "Workshop", "site": "Harbour House Bristol"},
    {"name": "Server room", "site": "Harbour House Bristol", "two_factor": True},
    {"name": "Main entrance", "site": "Harbour House Berlin"},
    {"name": "Studio", "site": "Harbour House Berlin"},
    {"name": "Roof terrace", "site": "Harbour House Berlin"},
]

_WEEK: Final = ["mon", "tue", "wed", "thu", "fri", "sat", "sun", "holiday"]
SHIFTS: Final[list[dict[str, Any]]] = [
    {
        "name": "Office hours",
        "holidays": "replace",
        "windows": [{"days": _WEEK[:5], "start": "08:00", "end": "18:00"}],
    },
    {
        "name": "Long days",
        "holidays": "ignore",
        "windows": [{"days": _WEEK[:7], "start": "06:00", "end": "23:00"}],
    },
    {
        "name": "Cleaning nights",
        "holidays": "replace",
        "windows": [{"days": _WEEK[:5], "start": "22:00", "end": "05:00"}],
    },
    {
        "name": "Workshop evenings",
        "holidays": "replace",
        "windows": [
            {"days": ["tue", "thu"], "start": "17:00", "end": "22:00"},
            {"days": ["sat", "holiday"], "start": "10:00", "end": "16:00"},
        ],
    },
]

ROLES: Final[list[dict[str, Any]]] = [
    {"name": "Bristol round the clock", "channels": ["Front door", "Goods entrance", "Meeting room Brunel"]},
    {
        "name": "Bristol in office hours",
        "channels": ["Front door", "Meeting room Brunel"],
        "shift": "Office hours",
        "notes": "Hot desks",
    },
    {"name": "Berlin in office hours", "channels": ["Main entrance", "Studio"], "shift": "Office hours"},
    {"name": "Berlin on long days", "channels": ["Main entrance", "Studio", "Roof terrace"], "shift": "Long days"},
    {"name": "Workshop", "channels": ["Workshop"], "shift": "Workshop evenings", "notes": "After an induction"},
    {
        "name": "Cleaning",
        "channels": ["Front door", "Goods entrance", "Meeting room Brunel", "Workshop"],
        "shift": "Cleaning nights",
    },
    {"name": "House team", "channels": [channel["name"] for channel in CHANNELS]},
]

GROUPS: Final[list[dict[str, Any]]] = [
    {"name": "Residents", "roles": ["Bristol round the clock"], "notes": "Own desk in Bristol"},
    {"name": "Hot desks", "roles": ["Bristol in office hours"]},
    {"name": "Berlin members", "roles": ["Berlin on long days"]},
    {"name": "Travellers", "roles": ["Bristol in office hours", "Berlin in office hours"]},
    {"name": "Workshop users", "roles": ["Workshop"]},
    {"name": "Cleaners", "roles": ["Cleaning"]},
    {"name": "Team", "roles": ["House team"]},
]

VISITOR: Final = ("Vera", "Visitor")
"""The first person: a card and a PIN, no group and no role."""

PEOPLE: Final[list[tuple[str, list[str]]]] = [
    ("Ada Lovelace", ["Residents"]),
    ("Hedy Lamarr", ["Hot desks"]),
    ("Grace Hopper", ["Team"]),
    ("Katherine Johnson", ["Team"]),
    ("Isambard Brunel", ["Residents", "Workshop users"]),
    ("Mary Anning", ["Residents"]),
    ("Rosalind Franklin", ["Residents", "Workshop users"]),
    ("Alan Turing", ["Residents"]),
    ("Paul Dirac", ["Residents"]),
    ("Dorothy Hodgkin", ["Residents"]),
    ("Ludwig van den Berg", ["Berlin members"]),
    ("Zoë Müller", ["Berlin members"]),
    ("Émilie Noether", ["Berlin members"]),
    ("Lise Meitner", ["Berlin members"]),
    ("Konrad Zuse", ["Berlin members", "Travellers"]),
    ("Alexander von Humboldt", ["Travellers"]),
    ("Ida Pfeiffer", ["Travellers"]),
    ("Ibn Battuta", ["Travellers"]),
    ("Nellie Bly", ["Travellers"]),
    ("Freya Stark", ["Travellers"]),
    ("Margaret Knight", ["Hot desks", "Workshop users"]),
    ("Beulah Henry", ["Hot desks", "Workshop users"]),
    ("George Cayley", ["Workshop users"]),
    ("Sarah Guppy", ["Workshop users"]),
    ("Bertha Benz", ["Workshop users"]),
    ("Josephine Cochrane", ["Cleaners"]),
    ("Melitta Bentz", ["Cleaners"]),
    ("Mary Anderson", ["Cleaners"]),
    ("Tim Burton-Lee", ["Hot desks"]),
    ("Radia Perlman", ["Hot desks"]),
    ("Barbara Liskov", ["Hot desks"]),
    ("Edsger Dijkstra", ["Hot desks"]),
    ("Donald Knuth", ["Hot desks"]),
    ("Frances Allen", ["Hot desks"]),
    ("Karen Jones", ["Hot desks"]),
    ("Annie Easley", ["Hot desks"]),
    ("Jean Bartik", ["Hot desks"]),
    ("Betty Holberton", ["Hot desks"]),
    ("Adele Goldberg", ["Hot desks"]),
    ("Niklaus Wirth", ["Berlin members"]),
    ("Carl Friedrich Gauß", ["Berlin members"]),
    ("Sofja Kowalewskaja", ["Berlin members"]),
    ("Maria Sibylla Merian", ["Berlin members"]),
    ("Caroline Herschel", ["Berlin members"]),
    ("Clara Immerwahr", ["Berlin members"]),
    ("Max Born", ["Berlin members"]),
    ("Otto Lilienthal", ["Berlin members", "Workshop users"]),
    ("Chien-Shiung Wu", ["Hot desks"]),
    ("Subrahmanyan Chandrasekhar", ["Hot desks"]),
    ("Srinivasa Ramanujan", ["Hot desks"]),
    ("Wangari Maathai", ["Travellers"]),
    ("Tu Youyou", ["Hot desks"]),
    ("Rita Levi-Montalcini", ["Hot desks"]),
    ("Gertrude Elion", ["Hot desks"]),
    ("Barbara McClintock", ["Hot desks"]),
    ("Jocelyn Bell", ["Residents"]),
    ("Vera Rubin", ["Residents"]),
    ("Cecilia Payne", ["Residents"]),
    ("Henrietta Leavitt", ["Residents"]),
]
