"""Databases, the web, and models of data."""

from tests.fidelity.case import Shelf

sqlalchemy = Shelf("sqlalchemy")
duckdb = Shelf("duckdb")
requests = Shelf("requests")
pydantic = Shelf("pydantic")
attrs = Shelf("attrs")

sqlalchemy.unsaved(
    "engines, connections and sessions",
    {"engine": "", "memory": "", "connection": "", "session": "", "Session": ""},
    """
import sqlalchemy as sa
from sqlalchemy.orm import sessionmaker
engine = sa.create_engine("sqlite:///data.db")
memory = sa.create_engine("sqlite://")
connection = engine.connect()
Session = sessionmaker(engine)
session = Session()
url = engine.url
rows = [tuple(row) for row in connection.execute(sa.text("select 1, 'a'"))]
""",
    "assert rows == [(1, 'a')] and url.database == 'data.db' and sa.create_engine(url).url == url",
)
sqlalchemy.restored(
    "an engine made by a replay cell, tables and statements",
    """
metadata = sa.MetaData()
users = sa.Table(
    "users",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.String(20)),
)
with engine.begin() as connection:
    metadata.create_all(connection)
    connection.execute(users.insert(), [{"id": 1, "name": "a"}])
del connection
query = sa.select(users.c.name).where(users.c.id == 1)
class Store:
    def __init__(self):
        self.engine = engine
    def read(self):
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(query)]
store = Store()
""",
    """
assert store.engine is engine and store.read() == [("a",)] and users.c.name.type.length == 20
assert users.metadata is metadata and metadata.tables["users"] is users and "users.id" in str(query)
""",
    replay="""
import sqlalchemy as sa
engine = sa.create_engine("sqlite:///data.db")
""",
)
sqlalchemy.restored(
    "types, texts and addresses of sqlalchemy",
    """
import sqlalchemy as sa
kinds = [sa.Integer(), sa.String(5), sa.JSON()]
text = sa.text("select :x").bindparams(x=5)
url = sa.make_url("postgresql://u:secret@h/db")
""",
    """
assert kinds[1].length == 5 and type(kinds[0]) is sa.Integer and text.compile().params == {"x": 5}
assert url.password == "secret" and url.host == "h"
""",
)
MAPPED = """
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship
class Base(DeclarativeBase):
    pass
class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    posts: Mapped[list["Post"]] = relationship(back_populates="user")
class Post(Base):
    __tablename__ = "posts"
    id: Mapped[int] = mapped_column(primary_key=True)
    owner: Mapped[int] = mapped_column(sa.ForeignKey("users.id"))
    user: Mapped[User] = relationship(back_populates="posts")
"""
sqlalchemy.unsaved(
    "mapped classes of the notebook",
    {"Base": "replay", "User": "replay", "Post": "replay", "user": "replay"},
    MAPPED
    + """
user = User(id=1, name="a")
number = 3
""",
    "assert number == 3",
)
sqlalchemy.rehearsed(
    "instances of mapped classes that a replay cell makes",
    "user",
    """
user = User(id=1, name="a", posts=[Post(id=7)])
""",
    replay=MAPPED,
)
duckdb.unsaved(
    "connections and relations of duckdb",
    {"con": "", "relation": ""},
    """
import duckdb
con = duckdb.connect()
con.execute("create table t as select range as a from range(5)")
relation = con.sql("select sum(a) as s from t")
total = con.execute("select sum(a) from t").fetchone()
""",
    "assert total == (10,) and duckdb.connect().execute('select 1').fetchone() == (1,)",
)
duckdb.restored(
    "a connection of duckdb made by a replay cell",
    """
class Reader:
    def __init__(self, con):
        self.con = con
    def read(self):
        return self.con.execute("select a from t").fetchone()[0]
reader = Reader(con)
""",
    """
assert reader.con is con and con.execute("select 1").fetchone() == (1,)
con.execute("create or replace table t as select 43 as a")
assert reader.read() == 43
""",
    replay="import duckdb\ncon = duckdb.connect()",
)
requests.restored(
    "a session with its headers, cookies and adapters",
    """
import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry
session = requests.Session()
session.headers["X-Token"] = "t"
session.auth = ("u", "p")
session.cookies.set("c", "1", domain="example.org")
class Slow(HTTPAdapter):
    wait = 5
adapter = Slow(max_retries=Retry(3, backoff_factor=0.5), pool_maxsize=7)
session.mount("https://api", adapter)
session.params = {"q": 1}
session.hooks["response"].append(lambda r, **kw: r)
alias = session
prepared = session.prepare_request(requests.Request("GET", "https://example.org/a"))
""",
    """
assert alias is session and session.headers["x-token"] == "t" and session.auth == ("u", "p")
assert session.cookies.get("c", domain="example.org") == "1"
assert session.get_adapter("https://api/x") is adapter
assert type(adapter) is Slow and adapter.max_retries.total == 3 and adapter._pool_maxsize == 7
again = session.prepare_request(requests.Request("GET", "https://example.org/a"))
assert again.headers["Cookie"] == "c=1" and again.url == prepared.url == "https://example.org/a?q=1"
assert len(session.hooks["response"]) == 1
assert session.get_adapter("https://other").max_retries.total == 0
""",
)
requests.restored(
    "answers that were read, and cookies",
    """
import requests
from requests.cookies import cookiejar_from_dict
response = requests.Response()
response.status_code, response._content, response.url = 404, b'{"a": 1}', "https://example.org"
response.headers["Content-Type"] = "application/json"
jar = cookiejar_from_dict({"a": "1"})
error = requests.HTTPError("404 Client Error", response=response)
""",
    """
assert response.json() == {"a": 1} and not response.ok
assert response.headers["content-type"] == "application/json"
assert jar["a"] == "1" and type(error) is requests.HTTPError and error.response is response
assert str(error) == "404 Client Error"
""",
)
pydantic.restored(
    "models of pydantic, defined in the notebook",
    """
from datetime import date
from typing import Annotated, Generic, Optional, TypeVar
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError
from pydantic import computed_field, field_validator
class Address(BaseModel):
    city: str = "Bern"
class Person(BaseModel):
    model_config = ConfigDict(validate_assignment=True)
    name: Annotated[str, Field(min_length=2)]
    born: Optional[date] = None
    home: Address = Field(default_factory=Address)
    friends: "list[Person]" = []
    _secret: int = PrivateAttr(default=5)
    @field_validator("name")
    @classmethod
    def capital(cls, value):
        return value.title()
    @computed_field
    @property
    def town(self) -> str:
        return self.home.city
T = TypeVar("T")
class Page(BaseModel, Generic[T]):
    items: list[T]
default = "ball"
class Child(Person):
    toy: str = default
ann = Person(name="ann", born="2000-01-01")
bob = Person(name="bob", friends=[ann])
ann._secret = 9
page = Page[Person](items=[ann])
child = Child(name="kim")
""",
    """
assert type(bob) is Person and bob.friends[0] is ann and ann.name == "Ann" and ann._secret == 9
assert ann.model_fields_set == {"name", "born"} and bob.town == "Bern" and type(ann.home) is Address
for wrong in ({"name": "x"}, {"name": "xx", "born": "never"}):
    try:
        Person(**wrong)
    except ValidationError as error:
        assert error.error_count() == 1
    else:
        raise AssertionError
try:
    ann.name = "z"
except ValidationError:
    pass
else:
    raise AssertionError
assert Person.model_validate_json(bob.model_dump_json()).model_dump() == bob.model_dump()
assert isinstance(child, Person)
assert isinstance(page, Page) and type(page) is Page[Person] and child.toy == "ball"
assert Child.model_fields["toy"].default == "ball" and Person(name="new").home == Address()
class Later(Person):
    extra: int
assert Later(name="joe", extra="5").extra == 5
tell(Address.model_json_schema())
""",
)
pydantic.restored(
    "pydantic: dataclasses, adapters, unions and settings",
    """
from decimal import Decimal
from enum import Enum
from typing import Literal, Union
import pydantic
from pydantic import BaseModel, Field, RootModel, TypeAdapter, model_validator
from pydantic.dataclasses import dataclass
class Kind(Enum):
    A = "a"
class Cat(BaseModel):
    kind: Literal["cat"]
    mood: Kind = Kind.A
class Dog(BaseModel):
    kind: Literal["dog"]
    price: Decimal = Decimal("1.10")
    @model_validator(mode="after")
    def check(self):
        if self.price > top:
            raise ValueError("too dear")
        return self
top = 100
class Zoo(BaseModel, frozen=True):
    pets: list[Union[Cat, Dog]] = Field(discriminator=None)
@dataclass
class Point:
    x: int
numbers = TypeAdapter(list[int])
class Names(RootModel[list[str]]):
    pass
zoo = Zoo(pets=[{"kind": "cat"}, {"kind": "dog"}])
point, names = Point("3"), Names(["a"])
""",
    """
assert type(zoo.pets[0]) is Cat and zoo.pets[0].mood is Kind.A
assert zoo.pets[1].price == Decimal("1.10")
assert numbers.validate_python(["1", 2]) == [1, 2] and point.x == 3 and names.root == ["a"]
assert Cat(kind="cat", mood="a").mood is Kind.A
top = 1
try:
    Dog(kind="dog")
except pydantic.ValidationError as error:
    assert "too dear" in str(error)
else:
    raise AssertionError
try:
    zoo.pets = []
except pydantic.ValidationError:
    pass
else:
    raise AssertionError
assert Point("4").x == 4
""",
)
attrs.restored(
    "classes of attrs",
    """
import attr
from attrs import NOTHING, Factory, define, field, frozen, validators
@define
class Point:
    x: int = field(converter=int, validator=validators.gt(0))
    y: list = Factory(list)
@frozen(order=True)
class Fixed:
    a: int
    b: str = field(default="b", repr=False, metadata={"m": 1})
@attr.s(hash=True)
class Old:
    z = attr.ib(default=NOTHING)
point, fixed, old = Point("3"), Fixed(1), Old(5)
""",
    """
import attrs
assert point.x == 3 and not hasattr(point, "__dict__") and fixed == Fixed(1)
assert hash(fixed) == hash(Fixed(1))
for wrong in (lambda: Point(-1), lambda: setattr(point, "x", -5)):
    try:
        wrong()
    except ValueError:
        pass
    else:
        raise AssertionError
try:
    fixed.a = 2
except attrs.exceptions.FrozenInstanceError:
    pass
else:
    raise AssertionError
assert attrs.asdict(point) == {"x": 3, "y": []} and attrs.evolve(fixed, a=5) > fixed
assert attrs.fields(Point).x.default is NOTHING and attrs.fields(Fixed).b.metadata["m"] == 1
assert old.z == 5
""",
)
