"""The words that values are made of."""

__all__ = [
    "CITIES",
    "COLOURS",
    "COUNTRIES",
    "FIRST_NAMES",
    "LAST_NAMES",
    "NOUNS",
    "STREETS",
    "WORDS",
]

FIRST_NAMES = (
    *("Ada", "Alan", "Barbara", "Ben", "Carla", "Chen", "Dora", "Edsger", "Eva", "Fatima"),
    *("Grace", "Hugo", "Ines", "Ivan", "Jean", "Kim", "Lena", "Linus", "Margaret", "Mei"),
    *("Nadia", "Niklaus", "Olga", "Omar", "Radia", "Ravi", "Sara", "Tim", "Ursula", "Yuki"),
)
LAST_NAMES = (
    *("Ahmed", "Baker", "Berg", "Chen", "Costa", "Diaz", "Evans", "Fischer", "Garcia", "Haas"),
    *("Hansen", "Ito", "Jones", "Khan", "Kowalski", "Lang", "Moreau", "Nowak", "Okafor", "Park"),
    *("Petrov", "Rossi", "Sato", "Silva", "Singh", "Smith", "Tanaka", "Weber", "Wong", "Young"),
)
CITIES = (
    *(
        "Accra",
        "Berlin",
        "Bogota",
        "Chicago",
        "Dakar",
        "Delhi",
        "Geneva",
        "Hanoi",
        "Kyoto",
        "Lagos",
    ),
    *("Lima", "Lisbon", "London", "Lyon", "Madrid", "Nairobi", "Oslo", "Porto", "Quito", "Rome"),
    *("Seoul", "Sydney", "Tallinn", "Toronto", "Vienna", "Zurich"),
)
COUNTRIES = (
    *("Brazil", "Canada", "Chile", "Estonia", "France", "Germany", "Ghana", "India", "Italy"),
    *("Japan", "Kenya", "Korea", "Mexico", "Nigeria", "Norway", "Peru", "Portugal", "Spain"),
)
COLOURS = (
    "amber",
    "black",
    "blue",
    "brown",
    "green",
    "grey",
    "ivory",
    "orange",
    "pink",
    "red",
    "white",
)
STREETS = (
    "Bridge Street",
    "Church Lane",
    "Garden Road",
    "High Street",
    "Mill Lane",
    "Station Road",
)
NOUNS = (
    *(
        "anchor",
        "apple",
        "barrel",
        "basket",
        "bell",
        "bench",
        "blanket",
        "bottle",
        "bowl",
        "bridge",
    ),
    *("candle", "carpet", "chair", "clock", "cup", "desk", "door", "drum", "engine", "fence"),
    *("flute", "garden", "glove", "hammer", "harbour", "jar", "kettle", "key", "ladder", "lamp"),
    *(
        "lantern",
        "letter",
        "map",
        "mirror",
        "notebook",
        "oven",
        "paddle",
        "pencil",
        "pillow",
        "plate",
    ),
    *("quilt", "radio", "ring", "rope", "saddle", "shelf", "spoon", "stove", "table", "wheel"),
)
WORDS = (
    *("about", "after", "always", "and", "around", "at", "before", "behind", "below", "between"),
    *("bright", "calm", "clear", "cold", "dark", "deep", "early", "every", "far", "fast"),
    *("few", "fine", "first", "for", "from", "full", "gentle", "good", "great", "heavy"),
    *("here", "in", "large", "last", "late", "light", "little", "long", "many", "near"),
    *("never", "new", "next", "often", "old", "on", "open", "over", "plain", "quick"),
    *("quiet", "round", "sharp", "short", "slow", "small", "soft", "some", "still", "strong"),
    *("tall", "then", "thin", "to", "under", "warm", "wide", "with", "without", "young"),
    *NOUNS,
)
