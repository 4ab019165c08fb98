"""The systemd units keep what they promise: sandbox score, restarts, order, rights; and systemd itself accepts every file."""

import configparser
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from chargepoint.app.punctuality import FIFO_PRIORITY, KILLED_S
from chargepoint.power.cycle import STOP_PATIENCE_S

FOLDER = Path(__file__).resolve().parents[2] / "systemd"
UNITS = ("chargepoint-power.service", "chargepoint.service")
POWER, DAEMON = UNITS
EXPOSURE_MAX = 2.5


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    """A tool of systemd; its absence is a failure that says what to install."""
    tool = str(command[0])
    assert shutil.which(tool), (
        f"{tool} is missing: apt-get install systemd (the units' tests need it, no booted systemd)"
    )
    environ = {**os.environ, "SYSTEMD_LOG_LEVEL": "warning", "SYSTEMD_COLORS": "0"}
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, env=environ, timeout=60)


class Unit:
    """Every directive of a unit file, with all its values in order."""

    def __init__(self, name: str) -> None:
        self.values: dict[tuple[str, str], list[str]] = {}
        section = ""
        for line in (FOLDER / name).read_text().splitlines():
            if line.startswith("[") and line.endswith("]"):
                section = line[1:-1]
            elif line and not line.startswith("#"):
                key, _, value = line.partition("=")
                self.values.setdefault((section, key), []).append(value)

    def __call__(self, key: str, section: str = "Service") -> str:
        return " ".join(self.values.get((section, key), []))


@pytest.fixture(params=UNITS)
def unit(request: pytest.FixtureRequest) -> Unit:
    return Unit(request.param)


@pytest.fixture
def power() -> Unit:
    return Unit(POWER)


@pytest.fixture
def daemon() -> Unit:
    return Unit(DAEMON)


# -- what systemd says -----------------------------------------------------------------------------------------------------


@pytest.mark.interop
@pytest.mark.parametrize("name", UNITS)
def test_exposure_is_low(name: str) -> None:
    done = run("systemd-analyze", "security", "--offline=yes", "--no-pager", FOLDER / name)
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
    assert found, done.stdout + done.stderr
    assert float(found[1]) <= EXPOSURE_MAX, done.stdout


@pytest.mark.interop
def test_systemd_understands_every_line(tmp_path: Path) -> None:
    for name in UNITS:
        text = (FOLDER / name).read_text()
        # the programme is not installed here: any executable stands for it
        (tmp_path / name).write_text(re.sub(r"^ExecStart=\S+", f"ExecStart={sys.executable}", text, flags=re.MULTILINE))
    done = run("systemd-analyze", "verify", "--man=no", *[tmp_path / name for name in UNITS])
    said = [line for line in (done.stdout + done.stderr).splitlines() if str(tmp_path) in line or "chargepoint" in line]
    assert (said, done.returncode) == ([], 0)


@pytest.mark.interop
def test_a_mistake_in_a_unit_would_be_seen(tmp_path: Path) -> None:
    text = (FOLDER / POWER).read_text().replace("MemoryMax=", "MemoryMaximum=")
    (tmp_path / POWER).write_text(re.sub(r"^ExecStart=\S+", f"ExecStart={sys.executable}", text, flags=re.MULTILINE))
    assert "MemoryMaximum" in run("systemd-analyze", "verify", "--man=no", tmp_path / POWER).stderr


@pytest.mark.interop
def test_sysusers_makes_two_users_and_their_groups(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    done = run("systemd-sysusers", f"--root={tmp_path}", FOLDER / "sysusers.d" / "chargepoint.conf")
    assert done.returncode == 0, done.stderr
    passwd, group = (tmp_path / "etc" / "passwd").read_text(), (tmp_path / "etc" / "group").read_text()
    for user in ("chargepoint", "chargepoint-power"):
        assert re.search(rf"^{user}:x:\d+:\d+:.*nologin$", passwd, re.MULTILINE), passwd
    members = {line.split(":")[0]: line.split(":")[3] for line in group.splitlines()}
    assert members["chargepoint"] == members["dialout"] == "chargepoint-power"


@pytest.mark.interop
def test_tmpfiles_are_understood(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    assert run("systemd-sysusers", f"--root={tmp_path}", FOLDER / "sysusers.d" / "chargepoint.conf").returncode == 0
    done = run("systemd-tmpfiles", f"--root={tmp_path}", "--create", FOLDER / "tmpfiles.d" / "chargepoint.conf")
    complaints = [line for line in done.stderr.splitlines() if "not permitted" not in line]  # not root: owners stay
    assert complaints == []
    for name, mode in (("run/chargepoint", 0o3770), ("var/lib/chargepoint", 0o700), ("etc/chargepoint", 0o750)):
        assert (tmp_path / name).is_dir()
        if os.geteuid() == 0:
            assert (tmp_path / name).stat().st_mode & 0o7777 == mode, name


def test_udev_rules_are_complete_lines() -> None:
    text = (FOLDER / "udev" / "99-chargepoint.rules").read_text()
    rules = [line for line in text.splitlines() if line and not line.startswith("#")]
    term = r'[A-Z]+(\{[\w$]+\})?(==|!=|=|\+=)"[^"]*"'
    for rule in rules:
        assert re.fullmatch(rf"{term}(,\s*{term})*", rule), rule
    labels, jumps = re.findall(r'LABEL="(\w+)"', text), re.findall(r'GOTO="(\w+)"', text)
    assert labels == jumps
    assert 'ATTR{latency_timer}="1"' in text
    assert text.index("LABEL=") < text.index(
        "latency_timer"
    )  # a usb-serial device is no tty: it must not be jumped over


# -- what the units promise ------------------------------------------------------------------------------------------------


def test_watchdog_is_fed_by_the_process_and_restarts_have_one_exception(unit: Unit) -> None:
    assert unit("Type") == "notify"
    assert unit("NotifyAccess") == "main"
    assert 1 <= int(unit("WatchdogSec")) <= 10
    assert unit("Restart") == "always"
    assert unit("RestartPreventExitStatus") == "78"
    assert float(unit("RestartSec")) >= 1
    assert unit("StartLimitIntervalSec", "Unit") == "0"


def test_the_daemon_wants_the_power_process_which_knows_nothing_of_it(power: Unit, daemon: Unit) -> None:
    assert POWER in daemon("Wants", "Unit").split()
    assert POWER in daemon("After", "Unit").split()
    binding = {"Requires", "BindsTo", "PartOf", "Requisite", "Upholds"}
    assert not {key for _, key in daemon.values} & binding  # a fallen power process does not take the daemon with it
    for (section, key), values in power.values.items():
        assert not (section == "Unit" and any(DAEMON in value.split() for value in values)), key
    assert "network" not in power("After", "Unit") + power("Wants", "Unit")


def test_a_stop_leaves_time_to_ramp_down_and_open(power: Unit) -> None:
    assert float(power("TimeoutStopSec")) > STOP_PATIENCE_S + 1


def test_two_users_and_one_group_for_the_sockets(power: Unit, daemon: Unit) -> None:
    assert power("User") != daemon("User")
    assert power("Group") == daemon("Group") == "chargepoint"
    assert power("SupplementaryGroups") == "dialout"
    for unit in (power, daemon):
        assert not unit("DynamicUser")
        assert unit("UMask") == "0077"


def test_the_power_process_has_serial_ports_and_no_network(power: Unit) -> None:
    assert power("PrivateNetwork") == "yes"
    assert power("RestrictAddressFamilies") == "AF_UNIX"
    assert power("IPAddressDeny") == "any"
    assert power("DevicePolicy") == "closed"
    allowed = power.values[("Service", "DeviceAllow")]
    serial = {"char-ttyUSB", "char-ttyACM", "char-ttyAMA", "char-ttyS"}
    assert {device.split()[0] for device in allowed} == serial | {"/dev/watchdog", "/dev/watchdog0"}
    assert "/var/lib/chargepoint" in power("InaccessiblePaths")


def test_the_daemon_has_no_devices(daemon: Unit) -> None:
    assert daemon("PrivateDevices") == "yes"
    assert not daemon("DeviceAllow")
    assert not daemon("SupplementaryGroups")
    assert daemon("RestrictRealtime") == "yes"


@pytest.mark.parametrize(
    "key",
    [
        "NoNewPrivileges",
        "PrivateTmp",
        "ProtectHome",
        "ProtectClock",
        "ProtectHostname",
        "ProtectKernelTunables",
        "ProtectKernelModules",
        "ProtectKernelLogs",
        "ProtectControlGroups",
        "RestrictNamespaces",
        "RestrictSUIDSGID",
        "LockPersonality",
        "MemoryDenyWriteExecute",
    ],
)
def test_sandbox(unit: Unit, key: str) -> None:
    assert unit(key) == "yes"


def test_nothing_of_root_is_left(unit: Unit) -> None:
    assert unit.values[("Service", "CapabilityBoundingSet")] == [""]
    assert unit.values[("Service", "AmbientCapabilities")] == [""]
    assert unit("ProtectSystem") == "strict"
    assert unit("ReadWritePaths") == "/run/chargepoint"
    assert unit("SystemCallArchitectures") == "native"
    assert unit("SystemCallFilter").startswith("@system-service ~@privileged")
    assert unit("MemoryMax").endswith("M")
    assert unit("LimitCORE") == "0"


def test_realtime_needs_limits_and_no_capability(power: Unit) -> None:
    assert int(power("LimitRTPRIO")) == FIFO_PRIORITY
    assert power("LimitMEMLOCK") == "infinity"
    assert power("RestrictRealtime") == "no"
    assert int(power("LimitRTTIME")) >= KILLED_S * 1e6  # the process's own bound comes first
    assert power.values[("Service", "SystemCallFilter")][-1] == "sched_setscheduler"  # allowed again after @resources


@pytest.mark.parametrize(("name", "command"), [(POWER, "power"), (DAEMON, "run")])
def test_the_command_started_exists(name: str, command: str) -> None:
    words = Unit(name)("ExecStart").split()
    assert words[1:4] == ["-m", "chargepoint", command]
    done = run(sys.executable, *words[1:4], "--help")
    assert done.returncode == 0, done.stderr
    assert "--config" in done.stdout


def test_comments_stand_on_lines_of_their_own() -> None:
    """systemd has no comments behind a value: they would become part of it."""
    for name in UNITS:
        parser = configparser.RawConfigParser(strict=False, delimiters=("=",), comment_prefixes=("#",))
        parser.optionxform = str  # type: ignore[method-assign,assignment]
        parser.read(FOLDER / name)
        assert [value for section in parser.sections() for value in parser[section].values() if " #" in value] == []


def test_the_readme_names_every_file() -> None:
    text = (FOLDER / "README.md").read_text()
    files = [path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*") if path.is_file()]
    assert len(files) >= 6
    assert [name for name in files if name != "README.md" and f"`{name}`" not in text] == []
