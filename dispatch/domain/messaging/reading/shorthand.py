"""How people shorten words, and how they write numbers."""

UNITS = frozenset({
    "mn", "mns", "min", "mins", "minute", "minutes", "h", "hr", "hrs", "heure", "heures", "hour", "hours", "s", "sec",
    "secs", "seconde", "secondes", "second", "seconds", "demi", "demie", "half", "quart", "quarter",
})  # fmt: skip
"""Words of time that mean something only beside a number."""

NUMBERS = {
    "deux": 2, "two": 2, "trois": 3, "three": 3, "quatre": 4, "four": 4, "cinq": 5, "five": 5, "six": 6,
    "sept": 7, "seven": 7, "huit": 8, "eight": 8, "neuf": 9, "nine": 9, "dix": 10, "ten": 10, "onze": 11,
    "eleven": 11, "douze": 12, "twelve": 12, "quinze": 15, "fifteen": 15, "vingt": 20, "twenty": 20,
    "trente": 30, "thirty": 30, "quarante": 40, "forty": 40, "cinquante": 50, "fifty": 50, "soixante": 60,
    "sixty": 60, "ninety": 90,
}  # fmt: skip

SHORTHAND = {
    "pourre": "pourrai", "poure": "pourrai", "porai": "pourrai", "che": "je suis", "ds": "dans", "pr": "pour",
    "tt": "tout", "bcp": "beaucoup", "ac": "avec", "ke": "que", "mtn": "maintenant",
    "mnt": "maintenant", "auj": "aujourdhui", "chuis": "je suis", "chui": "je suis", "jsui": "je suis",
    "jpe": "je peux", "jpeu": "je peux", "vien": "viens", "arriv": "arrive", "g": "je ai",
    "cest": "ce est", "jai": "je ai", "jy": "je y", "sil": "si il", "daccord": "de accord", "dacord": "de accord",
    "desuite": "de suite", "ya": "il y a", "qd": "quand", "tjs": "toujours", "tjrs": "toujours", "qq": "quelque",
    "pa": "pas", "nop": "nope", "wknd": "weekend",
    "tnx": "thanks", "cdmt": "cdt", "po": "pas", "nn": "non", "ariv": "arrive", "px": "peux", "tps": "temps",
    "dor": "dors", "mor": "mort", "bn": "bon", "jv": "je vais", "jvs": "je vais", "rn": "right now", "comin": "coming",
}  # fmt: skip
"""How people shorten words; those that stand for several are expanded."""
