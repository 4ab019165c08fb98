"""House rules a machine can check: who imports whom, size of modules, docstrings, names, secrets, lock."""

import ast
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("chargepoint", "drivers", "hil", "certs")
GENERATED = ("chargepoint/iso15118/exi/generated/", "chargepoint/iso15118/messages/")
MODULE_MAX_LINES = 600
FORBIDDEN_NAMES = {"manager", "helper", "helpers", "utils", "util", "handler", "handlers", "common", "misc"}


def modules() -> list[Path]:
    return [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_import_contracts_hold() -> None:
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_no_hand_written_module_is_too_long() -> None:
    sizes = {relative(p): len(p.read_text().splitlines()) for p in modules() if not relative(p).startswith(GENERATED)}
    assert {name: lines for name, lines in sizes.items() if lines > MODULE_MAX_LINES} == {}


def test_every_module_says_what_it_owns() -> None:
    silent = [relative(p) for p in modules() if not ast.get_docstring(ast.parse(p.read_text()))]
    assert silent == []


def test_no_module_is_named_after_nothing() -> None:
    assert [relative(p) for p in modules() if p.stem in FORBIDDEN_NAMES] == []


def tracked() -> list[str]:
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_no_private_key_is_in_the_repository() -> None:
    marker = "PRIVATE KEY" + "-----"
    holders = []
    for name in tracked():
        path = ROOT / name
        if path.is_file() and path.stat().st_size < 2_000_000 and marker.encode() in path.read_bytes():
            holders.append(name)
    assert holders == []


def test_no_link_is_in_the_repository() -> None:
    """A link made on one machine dangles on the next."""
    assert [name for name in tracked() if (ROOT / name).is_symlink()] == []


def test_the_lock_pins_and_hashes_everything_and_names_no_host() -> None:
    for lock in (ROOT / ".ci" / "locks").glob("*.txt"):
        text = lock.read_text()
        requirements = re.findall(r"^[a-z0-9_.-]+==\S+.*?(?=^[a-z0-9]|\Z)", text, re.MULTILINE | re.DOTALL)
        assert len(requirements) > 10
        assert all("--hash=sha256:" in requirement for requirement in requirements)
        assert "://" not in text


def test_the_power_process_imports_no_tls_database_or_event_loop() -> None:
    code = (
        "import sys, chargepoint.app.cli, chargepoint.app.power_process;"
        "print([m for m in ('asyncio', 'ssl', 'sqlite3', 'cryptography', 'websockets', 'ocpp') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_daemon_does_not_import_what_only_the_bench_needs() -> None:
    code = (
        "import sys, chargepoint.app.cli, chargepoint.app.wiring, chargepoint.app.power_process;"
        "print([m for m in ('pymodbus', 'rich', 'hil', 'certs', 'pytest') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


SHARED_CLASS_NAMES = {
    "Bench": "the bench itself, and a program's client of it",
    "Refused": "a refusal inside of the bench, and the same refusal at its client, which imports nothing of the bench",
    "Step": "one production of an EXI grammar: as the generator reads it, and as the automaton runs it",
    "ResetFaults": "the order at the station's door, and the same order on the power link",
}


def test_no_class_name_has_two_meanings() -> None:
    places: dict[str, list[str]] = {}
    for path in modules():
        if relative(path).startswith(GENERATED):
            continue
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places.setdefault(node.name, []).append(relative(path))
    twice = {name: files for name, files in places.items() if len(files) > 1 and name not in SHARED_CLASS_NAMES}
    assert twice == {}
