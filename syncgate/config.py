"""The model of `config.yaml`: what one deployment is, where it keeps things, whom it speaks with."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from datetime import date, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    model_validator,
)

from syncgate.documents import Node, Place, Problem, ProblemSet, read_yaml, validate
from syncgate.domain.errors import SiteInvalid
from syncgate.domain.ownership import UNOWNED
from syncgate.records.settings import (
    CsvSettings,
    Format,
    FormSettings,
    JsonSettings,
    NdjsonSettings,
    Settings,
    XlsxSettings,
    XmlSettings,
)
from syncgate.transports.database.inbox_options import InboxOptions
from syncgate.transports.rest.inbox_options import RestInboxOptions
from syncgate.transports.rest.text import secrets_in
from syncgate.values import Duration, Mode, Model, Name, Rate, Size, Title, Wait

CONFIG_FILE: Final = "config.yaml"
EXAMPLE_FILE: Final = "config.example.yaml"
Text = Annotated[StrictStr, Field(min_length=1, max_length=500)]


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError("expected a time zone such as Asia/Shanghai, got an unknown one") from None
    return name


def _store_url(url: str) -> str:
    if not url.startswith(("sqlite:///", "postgresql://")):
        raise ValueError("expected sqlite:///<path> or postgresql://<host>/<database>, got another scheme")
    if urlsplit(url).password is not None:
        raise ValueError("expected the password under `password` as the name of a secret, got it in the URL")
    return url


class SecretRef(Model):
    """Where a secret is; its value never stands in a site's files.

    Attributes:
        env: name of an environment variable.
        file: path of a file, relative to the site's folder; one newline at its end does not count.
    """

    env: Annotated[StrictStr, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] | None = None
    file: Text | None = None

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.env is None) == (self.file is None):
            raise ValueError("expected one of env, file, got both or none")
        return self

    def read(self, root: Path, environ: Mapping[str, str]) -> str | None:
        """The secret's value; None where it is not there or empty."""
        if self.env is not None:
            return environ.get(self.env) or None
        try:
            text = (root / str(self.file)).read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            return None
        return text.removesuffix("\n").removesuffix("\r") or None


class SiteIdentity(Model):
    """Who this deployment is.

    Attributes:
        name: short name of the site, in logs and receipts.
        title: what people call it.
        region: region code of 6 or 12 digits.
        time_zone: the zone of times that come without one.
        language: what messages are in where a caller asks for none.
    """

    name: Name
    title: Title
    region: Annotated[StrictStr, Field(pattern=r"^(\d{6}|\d{12})$")]
    time_zone: Annotated[StrictStr, AfterValidator(_known_zone)] = "Asia/Shanghai"
    language: Literal["zh", "en"] = "zh"


class StoreSettings(Model):
    """Where cases and deliveries are kept.

    Attributes:
        url: `sqlite:///data/syncgate.sqlite` (relative to the site's folder) or `postgresql://…`.
        password: the name of the secret that holds PostgreSQL's password; left out: none.
    """

    url: Annotated[StrictStr, AfterValidator(_store_url)] = "sqlite:///data/syncgate.sqlite"
    password: Name | None = None


class Listen(Model):
    """Where the gate answers.

    Attributes:
        host: address to bind.
        port: port to bind; 0 takes a free one.
    """

    host: Text = "127.0.0.1"
    port: Annotated[StrictInt, Field(ge=0, le=65535)] = 8080


class IntakeSettings(Model):
    """What the intake takes at most.

    Attributes:
        body_limit: bytes of one case.
        depth_limit: levels of nesting.
    """

    body_limit: Size = 1024**2
    depth_limit: Annotated[StrictInt, Field(ge=4, le=200)] = 32


def _link_address(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or any(sign in text for sign in "?#@ "):
        raise ValueError("expected an address such as https://gate.example:8443, got something else")
    return text.rstrip("/")


class MaterialSettings(Model):
    """The bytes of materials.

    Attributes:
        size_at_most: bytes of one file.
        within: how long one file may take to arrive.
        link_address: where systems fetch files by link: the gate as they reach it; left out: no system can.
    """

    size_at_most: Annotated[Size, Field(ge=1, le=4 * 1024**3)] = 100 * 1024**2
    within: Annotated[Wait, Field(le=timedelta(hours=1))] = timedelta(minutes=10)
    link_address: Annotated[Text, AfterValidator(_link_address)] | None = None


def _file_pattern(text: str) -> str:
    if "/" in text or text.startswith("."):
        raise ValueError("expected a pattern of file names such as *.csv, got a path or a hidden name")
    return text


class FolderSettings(Model):
    """A folder into which a source puts files.

    Attributes:
        path: where it is; relative to the site's folder.
        files: the pattern of the names of its files.
        format: one of the source's formats, in which they are written.
        settled_for: a file is read once nobody has changed it for so long.
        size_at_most: bytes of one file.
        page: records that are taken in at a time.
    """

    path: Text
    files: Annotated[Text, AfterValidator(_file_pattern)]
    format: Format
    settled_for: Annotated[Wait, Field(le=timedelta(days=1))] = timedelta(seconds=30)
    size_at_most: Annotated[Size, Field(ge=1, le=64 * 1024**2)] = 16 * 1024**2
    page: Annotated[StrictInt, Field(ge=1, le=1000)] = 200


class PollSettings(Model):
    """A source that cannot post, and is asked for its records.

    Attributes:
        every: how often.
        database: a front table with a flag.
        rest: a list over HTTP, with a cursor.
        folder: a folder of files.
    """

    every: Annotated[Wait, Field(ge=timedelta(seconds=1), le=timedelta(days=1))] = timedelta(minutes=1)
    database: InboxOptions | None = None
    rest: RestInboxOptions | None = None
    folder: FolderSettings | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        ways = {"database": self.database, "rest": self.rest, "folder": self.folder}
        given = [name for name, way in ways.items() if way is not None]
        if len(given) != 1:
            raise ValueError(f"expected one of database, rest, folder, got {' and '.join(given) or 'none'}")
        return self

    @property
    def secret_names(self) -> frozenset[str]:
        """The names of the secrets that it needs."""
        return frozenset(secrets_in([self.database, self.rest]))


def _ownable(pointers: tuple[str, ...]) -> tuple[str, ...]:
    wrong = [at for at in pointers if not at.startswith("/") or at.split("/")[1] in UNOWNED or at.endswith("/")]
    if wrong:
        names = ", ".join(wrong)
        raise ValueError(f"expected JSON Pointers of fields that can be owned, got {names}")
    return pointers


class SourceSettings(Model):
    """One system that posts cases.

    Attributes:
        title: what people call it.
        mapping: the inbound mapping, `mappings/<mapping>.yaml`; left out: the source posts canonical cases.
        on_bad: what becomes of a posted record that cannot be taken in: `refuse` tells its source, which is to bring
            it again, `hold` keeps it until a person has mended what is wrong.
        poll: how it is asked for its records; left out: it posts them.
        csv: how its CSV files are written; left out: it has none. So with the other formats.
        xml: how its XML is written.
        json: how its JSON documents are written.
        ndjson: how its lines of JSON are written.
        form: how its forms are written.
        xlsx: how its workbooks are laid out.
        owns: JSON Pointers of the fields for which its word counts, where other sources post the case too.
    """

    title: Title
    mapping: Annotated[StrictStr, Field(pattern=r"^[a-z][a-z0-9_]*(/[a-z][a-z0-9_]*)+$")] | None = None
    on_bad: Literal["refuse", "hold"] = "refuse"
    poll: PollSettings | None = None
    csv: CsvSettings | None = None
    xml: XmlSettings | None = None
    json_document: Annotated[JsonSettings | None, Field(alias="json")] = None
    ndjson: NdjsonSettings | None = None
    form: FormSettings | None = None
    xlsx: XlsxSettings | None = None
    owns: Annotated[tuple[StrictStr, ...], AfterValidator(_ownable)] = ()

    @property
    def formats(self) -> dict[Format, Settings]:
        """How its records are written, by each format that it has."""
        named: tuple[tuple[Format, Settings | None], ...] = (
            ("csv", self.csv),
            ("xml", self.xml),
            ("json", self.json_document),
            ("ndjson", self.ndjson),
            ("form", self.form),
            ("xlsx", self.xlsx),
        )
        return {name: settings for name, settings in named if settings is not None}


class LimitOverrides(Model):
    """A site's own limits of a system; what is left out stays as the adapter says.

    Attributes:
        rate: sends a second over all processes.
        burst: sends at once after a quiet time.
        concurrency: sends at the same time over all processes.
        connect_timeout: to get a connection.
        timeout: for the whole request.
        retry_after_at_most: the longest wait that the system may ask for.
    """

    rate: Rate | None = None
    burst: Annotated[StrictInt, Field(ge=1)] | None = None
    concurrency: Annotated[StrictInt, Field(ge=1, le=1000)] | None = None
    connect_timeout: Wait | None = None
    timeout: Wait | None = None
    retry_after_at_most: Wait | None = None


class SystemOverride(Model):
    """What an environment changes about one system.

    Attributes:
        address: where the system is; replaces the one in the adapter.
        mode: replaces the adapter's.
        limits: replaces the adapter's one by one.
    """

    address: Text | None = None
    mode: Mode | None = None
    limits: LimitOverrides = LimitOverrides()

    def over(self, below: SystemOverride) -> SystemOverride:
        """These settings where given, else those below."""
        own = {key: value for key, value in self.limits if value is not None}
        return SystemOverride(
            address=self.address or below.address,
            mode=self.mode or below.mode,
            limits=below.limits.model_copy(update=own),
        )


class SystemSettings(SystemOverride):
    """What the site says about one system.

    Attributes:
        personal: classes of personal data, or canonical paths, that it may receive here; narrows the
            adapter's.
    """

    personal: tuple[StrictStr, ...] | None = None


class EnvironmentSettings(Model):
    """What one environment, such as `test` or `prod`, changes: addresses, secrets, limits and modes.

    Attributes:
        systems: changes by system.
        secrets: other places of secrets, by name.
    """

    systems: dict[Name, SystemOverride] = Field(default_factory=dict)
    secrets: dict[Name, SecretRef] = Field(default_factory=dict)


class LoggingSettings(Model):
    """What is logged.

    Attributes:
        level: the least important level that is written.
        format: `json` for machines, `console` for people.
    """

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["json", "console"] = "json"


class DispatchSettings(Model):
    """How workers take work.

    Attributes:
        is_enabled: whether `serve` sends at all.
        poll_interval: how often a worker looks for lanes that nobody announced.
        safety_interval: the same on PostgreSQL while other processes' notices are heard.
        batch: lanes that one claim takes at most.
        lease_margin: added to a system's time-outs to make the lease.
        stop_within: how long a graceful stop waits for what is in flight.
    """

    is_enabled: StrictBool = True
    poll_interval: Wait = timedelta(milliseconds=500)
    safety_interval: Wait = timedelta(seconds=5)
    batch: Annotated[StrictInt, Field(ge=1, le=1000)] = 50
    lease_margin: Annotated[Duration, Field(ge=timedelta(seconds=1))] = timedelta(seconds=10)
    stop_within: Duration = timedelta(seconds=20)


def _mail_address(text: str) -> str:
    name, at, domain = text.rpartition("@")
    if not (name and at and domain) or not text.isascii() or any(sign in text for sign in " ,;:<>\r\n"):
        raise ValueError("expected a mail address such as gate@city.example, got something else")
    return text


MailAddress = Annotated[Text, AfterValidator(_mail_address)]


class AlertWebhook(Model):
    """A program that is told.

    Attributes:
        url: where alerts are posted.
        secret: the name of the secret that signs them.
    """

    url: Annotated[Text, Field(pattern=r"^https?://[^\s@/]+(/\S*)?$")]
    secret: Name


class AlertMail(Model):
    """People who are told by mail.

    Attributes:
        host: the mail server.
        port: its port.
        tls: `starttls`, `tls` from the first byte, or `none`.
        sender: the address that mails come from.
        to: who gets them.
        user: for the mail server; left out: it does not ask.
        password: the name of the secret that holds the user's password.
    """

    host: Text
    port: Annotated[StrictInt, Field(ge=1, le=65535)] = 587
    tls: Literal["starttls", "tls", "none"] = "starttls"
    sender: Annotated[MailAddress, Field(alias="from")]
    to: Annotated[tuple[MailAddress, ...], Field(min_length=1, max_length=50)]
    user: Text | None = None
    password: Name | None = None

    @model_validator(mode="after")
    def _logs_in_whole(self) -> Self:
        if (self.user is None) != (self.password is None):
            raise ValueError("expected both user and password, or neither")
        return self


class SilenceSettings(Model):
    """When a source is silent.

    Attributes:
        hours: so many usual hours without anything new; 0: it is not told.
        holidays: days on which nobody is expected to post.
    """

    hours: Annotated[StrictInt, Field(ge=0, le=1000)] = 2
    holidays: Annotated[tuple[date, ...], Field(max_length=1000)] = ()


class AlertSettings(Model):
    """Who is told what somebody must know of.

    Attributes:
        repeat: how often, until somebody takes it on or it is over.
        language: of mails; left out: the site's.
        webhook: a program; left out: none.
        mail: people; left out: nobody.
        silence: when a source is silent.
        case_within: so long what a source said of a case may wait for that case before it is told.
    """

    repeat: Annotated[Wait, Field(ge=timedelta(minutes=1), le=timedelta(days=7))] = timedelta(hours=4)
    language: Literal["zh", "en"] | None = None
    webhook: AlertWebhook | None = None
    mail: AlertMail | None = None
    silence: SilenceSettings = SilenceSettings()
    case_within: Annotated[Wait, Field(ge=timedelta(minutes=1), le=timedelta(days=60))] = timedelta(days=1)

    @property
    def secret_names(self) -> frozenset[str]:
        """The secrets that telling needs."""
        needed = (self.webhook and self.webhook.secret, self.mail and self.mail.password)
        return frozenset(name for name in needed if name)


class MeterSettings(Model):
    """The meter of double entry.

    Attributes:
        minutes_per_entry: what typing one record into one system takes here, as the site has measured or assumes;
            left out: the meter counts entries, and tells no time.
    """

    minutes_per_entry: Annotated[StrictInt | StrictFloat, Field(gt=0, le=600)] | None = None


class Role(StrEnum):
    """What a `serve` process does; on PostgreSQL each process may do some of it."""

    API = "api"
    """Takes cases in and answers calls."""
    WORKER = "worker"
    """Sends to the systems and confirms."""
    SCHEDULER = "scheduler"
    """Rescues what dead workers left, and does what is due by the calendar."""


ALL_ROLES: Final = tuple(Role)


def _not_twice(roles: tuple[Role, ...]) -> tuple[Role, ...]:
    if len(set(roles)) < len(roles):
        raise ValueError("expected each role once, got one twice")
    return roles


class Config(Model):
    """One deployment.

    Attributes:
        site: who it is.
        environment: which of `environments` holds; left out: none.
        store: where cases and deliveries are kept.
        master_key: where the master key is: 32 bytes in Base64.
        listen: where the gate answers.
        roles: what a `serve` process does, unless it is started with others.
        intake: what the intake takes at most.
        materials: the bytes of materials.
        schema: the canonical schema, relative to the site's folder.
        secrets: where secrets are, by name.
        sources: who posts cases, by name.
        systems: who gets them, by name; each has its adapter in `adapters/<name>/`.
        environments: what an environment changes, by name.
        logging: what is logged.
        dispatch: how workers take work.
        alerts: who is told what somebody must know of.
        meter: what one entry takes.
    """

    site: SiteIdentity
    environment: Name | None = None
    store: StoreSettings = StoreSettings()
    master_key: SecretRef
    listen: Listen = Listen()
    roles: Annotated[tuple[Role, ...], Field(min_length=1), AfterValidator(_not_twice)] = ALL_ROLES
    intake: IntakeSettings = IntakeSettings()
    materials: MaterialSettings = MaterialSettings()
    schema_file: Annotated[StrictStr, Field(alias="schema", min_length=1)] = "schemas/case.schema.json"
    secrets: dict[Name, SecretRef] = Field(default_factory=dict)
    sources: dict[Name, SourceSettings] = Field(default_factory=dict)
    systems: dict[Name, SystemSettings] = Field(default_factory=dict)
    environments: dict[Name, EnvironmentSettings] = Field(default_factory=dict)
    logging: LoggingSettings = LoggingSettings()
    dispatch: DispatchSettings = DispatchSettings()
    alerts: AlertSettings = AlertSettings()
    meter: MeterSettings = MeterSettings()

    @property
    def active_environment(self) -> EnvironmentSettings:
        """What the chosen environment changes; nothing where none is chosen."""
        if self.environment is None:
            return EnvironmentSettings()
        return self.environments.get(self.environment, EnvironmentSettings())

    def system(self, name: str) -> SystemSettings:
        """What holds here for a system, the environment's changes included."""
        below = self.systems.get(name, SystemSettings())
        above = self.active_environment.systems.get(name, SystemOverride())
        return SystemSettings(**dict(above.over(below)), personal=below.personal)

    @property
    def secret_refs(self) -> dict[str, SecretRef]:
        """Where every secret is, the environment's changes included."""
        return {**self.secrets, **self.active_environment.secrets}


class SiteSecrets:
    """The site's secrets by name; read once at start, never shown."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, str]) -> None:
        """Args: values: by name."""
        self._values = dict(values)

    @classmethod
    def load(
        cls,
        refs: Mapping[str, SecretRef],
        *,
        root: Path,
        needed: Collection[str],
        environ: Mapping[str, str] | None = None,
    ) -> SiteSecrets:
        """The needed secrets.

        Raises:
            SiteInvalid: names every needed secret that is missing, and where it was expected.
        """
        environ = os.environ if environ is None else environ
        values = {name: refs[name].read(root, environ) if name in refs else None for name in sorted(needed)}
        missing = [f"{name} ({_where(refs.get(name))})" for name, value in values.items() if value is None]
        if missing:
            raise SiteInvalid("expected the secrets {names}, got none", names=", ".join(missing))
        return cls({name: value for name, value in values.items() if value is not None})

    def get(self, name: str) -> str:
        """The secret's value. Raises SiteInvalid where it was not loaded."""
        try:
            return self._values[name]
        except KeyError:
            raise SiteInvalid(f"expected the secret {name}, got none") from None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SiteSecrets) and self._values == other._values

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"SiteSecrets({', '.join(self._values)})"


def _where(ref: SecretRef | None) -> str:
    if ref is None:
        return "not declared in secrets"
    return f"environment variable {ref.env}" if ref.env is not None else f"file {ref.file}"


def config_path(root: Path, path: Path | None = None) -> Path:
    """The configuration file of a site: the given one, its config.yaml, or its config.example.yaml."""
    if path is not None:
        return path
    own = root / CONFIG_FILE
    return own if own.exists() else root / EXAMPLE_FILE


def load_config(root: Path, path: Path | None = None, *, environment: str | None = None) -> Config:
    """The site's configuration.

    Args:
        root: the site's folder.
        path: another file than `config.yaml`.
        environment: replaces the file's own choice.

    Raises:
        ProblemSet: every problem with its place.
    """
    return read_config(root, path, environment=environment)[0]


def read_config(root: Path, path: Path | None = None, *, environment: str | None = None) -> tuple[Config, Node]:
    """The configuration with the document that it was read from, for those who report places."""
    file = config_path(root, path)
    name = str(file.relative_to(root)) if file.is_relative_to(root) else str(file)
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        message = "expected a configuration in UTF-8, got no readable file"
        raise ProblemSet([Problem(Place(name, 1, 1), message, "no_file")]) from None
    node = read_yaml(text, name)
    config = validate(Config, node)
    return (config.model_copy(update={"environment": environment}) if environment else config), node
