"""Every setting of Berth, read once from the environment (BERTH_*, DATABASE_URL, REDIS_URL)."""

from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import AliasChoices, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict


class SettingsError(Exception):
    """The environment holds a setting that cannot be; the message names it, and not its value."""


class Settings(BaseSettings):
    """Durations are seconds. What has no default here is made by `make demo` or must be given in production."""

    model_config = SettingsConfigDict(env_prefix="BERTH_", extra="ignore", frozen=True)

    database_url: str = Field(
        "", pattern="^(postgres(ql)?://.*)?$", validation_alias=AliasChoices("DATABASE_URL", "BERTH_DATABASE_URL")
    )
    redis_url: str = Field("", validation_alias=AliasChoices("REDIS_URL", "BERTH_REDIS_URL"))
    database_pool: int = Field(20, ge=2, description="connections a process may hold")
    keyring: Path | None = Field(None, description="file of encryption keys; see `berth admin keyring`")
    host: str = "127.0.0.1"
    port: int = Field(8000, ge=1, le=65535)
    var: Path = Field(Path("var"), description="where the demo keeps its data")
    allowed_origins: str = Field("", description="origins of browser frontends, parted by commas; * for all")
    log_format: Literal["console", "json"] = "json"
    log_level: str = "INFO"

    lease: float = Field(15.0, gt=0, description="how long a worker holds a task without renewing")
    lease_margin: float = Field(6.0, ge=0, description="how long after a lease's end a task may be taken over")
    write_timeout: float = Field(5.0, gt=0, description="limit of one write to Kubernetes")
    sweep: float = Field(2.0, gt=0, description="how often forgotten tasks are looked for")
    create_deadline: float = Field(15 * 60.0, gt=0)
    deploy_deadline: float = Field(15 * 60.0, gt=0)
    delete_deadline: float = Field(10 * 60.0, gt=0)
    patience: float = Field(60.0, ge=0, description="how long a step goes on trying when its cluster fails or is busy")
    worker_tasks: int = Field(50, ge=1, description="tasks one worker runs at once")
    worker_cluster_share: float = Field(0.5, gt=0, le=1, description="of these, the part that one cluster's may be")
    breaker_silences: int = Field(3, ge=1, description="requests in a row without an answer that open the breaker")
    breaker_first: float = Field(1.0, gt=0, description="how long a cluster is first left alone when it is silent")
    breaker_most: float = Field(10.0, gt=0, description="how long at most, after doubling at every silent try")

    allow_private_clusters: bool = Field(False, description="may a kubeconfig point at a private or loopback address")
    simulator: str = Field("", description="address of the built-in simulator, which only a SIMULATOR cluster may have")
    in_cluster: bool = Field(False, description="may the cluster that Berth itself runs in be registered")
    cluster_check: float = Field(20.0, gt=0, description="how long the test of a cluster may take")
    cluster_oldest: str = Field("1.29", description="the oldest Kubernetes version that Berth works with")
    graphiql_assets: Path | None = Field(
        None, description="folder with GraphiQL's files, for machines without internet"
    )

    quota_pods: int = Field(500, ge=1, description="pods that one instance may have at most")
    quota_cpu: int = Field(128, ge=1, description="CPUs that the pods of one instance may ask for at most")
    quota_memory: int = Field(512, ge=1, description="GiB of memory that the pods of one instance may take at most")
    quota_volumes: int = Field(100, ge=0, description="volumes that one instance may have at most")
    quota_storage: int = Field(4096, ge=0, description="GiB that the volumes of one instance may hold at most")

    request_deadline: float = 30.0
    body_limit: int = 1_000_000
    page_default: int = 25
    page_limit: int = 100
    depth_limit: int = 12
    token_limit: int = 5_000
    selection_limit: int = 500
    repeat_limit: int = 20
    alias_limit: int = 100
    cost_limit: int = 1_000
    websocket_init: float = Field(10.0, gt=0, description="how long a websocket may stay open before it says who asks")
    token_recheck: float = Field(4.0, gt=0, description="how often an open stream's right to be is looked at again")
    drain_spread: float = Field(10.0, ge=0, description="how long the streams of an API that ends take to leave it")
    drain_limit: float = Field(25.0, ge=0, description="when an API that was told to end has ended at the latest")
    subscriptions_per_connection: int = 100
    subscriptions_per_token: int = 200
    websockets_per_token: int = Field(100, ge=1, description="websockets open at once for one token")
    event_poll: float = Field(2.0, gt=0, description="how often readers of events look without being woken")
    event_days: int = 30
    heartbeat: float = 15.0
    status_flush: float = Field(0.5, gt=0, description="least time between two writes of how pods are")
    status_look: float = Field(2.0, gt=0, description="how often workers look for clusters that nobody watches")
    status_touch: float = Field(20.0, gt=0, description="how often it is noted that what is known of pods still holds")
    cluster_probe: float = Field(10.0, gt=0, description="how often a cluster is asked whether it is still there")
    watch_relist: float = Field(5.0, ge=0, description="least time between two readings of all objects of a kind")
    abandoned_check: float = Field(30.0, gt=0, description="how often abandoned namespaces are asked to go")
    pod_linger: float = Field(60.0, ge=0, description="how long pods that nobody watches any more are followed")
    pod_watches_per_cluster: int = Field(200, ge=1, description="instances of a cluster whose pods a process follows")
    log_flush: float = Field(0.1, gt=0, description="how long log lines are gathered into one batch")
    log_opening: float = Field(2.0, gt=0, description="how long a log stream waits for the past of slow containers")
    log_linger: float = Field(30.0, ge=0, description="how long logs that nobody watches any more are read on")
    log_streams_per_user: int = Field(10, ge=1, description="log streams one user may have open")
    log_watchdog: float = Field(30.0, gt=0, description="how long a log is silent before its node is asked for more")
    log_upstreams_per_node: int = Field(20, ge=1, description="logs a process reads from one node at once")
    log_upstreams_per_cluster: int = Field(200, ge=1, description="logs a process reads from one cluster at once")
    log_stall: float = Field(30.0, gt=0, description="how long a log stream may stay unread before it is ended")
    log_rate_lines: float = Field(2_000.0, gt=0, description="lines a second of one container that are handed on")
    log_rate_bytes: float = Field(2e6, gt=0, description="bytes a second of one container that are handed on")
    log_sharing: Literal["off", "valkey"] = Field(
        "off", description="whether replicas of the API read each log only once among them, by way of Valkey"
    )
    log_lease: float = Field(5.0, gt=0, description="how long a replica reads logs for others without renewing")
    log_viewers_per_instance: int = Field(50, ge=1, description="log streams one instance may have open")


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The one settings object of this process.

    Raises:
        SettingsError: a setting has a value that it cannot have.
    """
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        field = str(first["loc"][0])
        name = field if field.isupper() else f"BERTH_{field.upper()}"
        raise SettingsError(f"Correct the setting {name}: {first['msg'][0].lower()}{first['msg'][1:]}.") from None
