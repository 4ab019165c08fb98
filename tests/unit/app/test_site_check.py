"""What `chargepoint check` finds on this computer: files that are missing or open to all, interfaces that are not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from certs.pki import Curve, Pki
from chargepoint.app.site_check import checks, doubts
from chargepoint.config.load import Findings, study_text

EVSE = """\
[bus.main]
port = "/dev/x"
[power_module.psu]
driver = "profile"
profile = "ea_psb_10000"
bus = "main"
unit = 1
params = { nominal_voltage_V = 1000.0, nominal_current_A = 40.0, nominal_power_W = 30000.0 }
[meter.m]
driver = "profile"
profile = "sunspec_714_dc"
bus = "main"
unit = 2
params = { base_address = 40070 }
[insulation_monitor.i]
driver = "bender"
profile = "bender_isoev425"
bus = "main"
unit = 3
[pilot_board.io]
driver = "generic_io"
bus = "main"
unit = 4
[evse.1]
pilot = "io"
power_modules = ["psu"]
meter = "m"
insulation = "i"
interface = "INTERFACE"
"""


def found(text: str) -> Findings:
    return study_text(text, Path("site.toml"), checks(), doubts())


def secret(path: Path, text: str = "0123456789abcdef", mode: int = 0o600) -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


@pytest.mark.parametrize("key", ["password_file", "ca_file"])
def test_a_missing_file_of_profile_2_is_a_mistake_at_its_line(tmp_path: Path, key: str) -> None:
    files = {"password_file": secret(tmp_path / "password"), "ca_file": tmp_path / "ca.pem"}
    Pki(Curve.P256).write(tmp_path / "pki")
    files["ca_file"] = tmp_path / "pki" / "csms_root.pem"
    files[key] = tmp_path / "none"
    lines = "".join(f'{name} = "{path}"\n' for name, path in files.items())
    mistakes = found(f'[csms]\nurl = "wss://host"\nsecurity_profile = 2\n{lines}').mistakes
    assert [m.mistake.key for m in mistakes] == [("csms", key)]
    assert mistakes[0].line == 4 + list(files).index(key)
    assert "No such file or directory" in str(mistakes[0])


def test_missing_certificate_and_key_are_told_together(tmp_path: Path) -> None:
    text = f'[csms]\nurl = "wss://host"\nsecurity_profile = 3\ncertificate_file = "{tmp_path}/c"\nkey_file = "{tmp_path}/k"\n'
    assert [m.line for m in found(text).mistakes] == [4, 5]


def test_a_password_of_the_wrong_length_is_a_mistake(tmp_path: Path) -> None:
    path = secret(tmp_path / "password", "short")
    mistakes = found(f'[csms]\npassword_file = "{path}"\n').mistakes
    assert "5 characters, must be 16 to 40" in str(mistakes[0])


def test_a_password_every_user_can_read_is_a_mistake_with_its_remedy(tmp_path: Path) -> None:
    path = secret(tmp_path / "password", mode=0o644)
    findings = found(f'[csms]\npassword_file = "{path}"\n')
    assert f"every user may read it (mode 0644); chmod o= {path}" in str(findings.mistakes[0])
    path.chmod(0o640)
    assert found(f'[csms]\npassword_file = "{path}"\n').mistakes == ()


def test_an_interface_that_is_not_there_is_a_warning_and_missing_car_keys_are_a_mistake(tmp_path: Path) -> None:
    text = EVSE.replace("INTERFACE", "no-such-if") + '[csms]\nenabled = false\n[iso15118]\ncertificate_dir = "DIR"\n'
    text = text.replace("DIR", str(tmp_path / "pki"))
    findings = found(text)
    assert [m.mistake.key for m in findings.mistakes] == [("iso15118", "certificate_dir")]
    assert any("'no-such-if': no such network interface now" in str(w) for w in findings.warnings)
    Pki(Curve.P256).write(tmp_path / "pki")
    assert found(text).mistakes == ()
    (tmp_path / "pki" / "secc.key").chmod(0o644)
    assert "readable by others; chmod 600 it" in str(found(text).mistakes[0])


def test_tls_without_a_folder_of_keys_is_a_mistake() -> None:
    text = EVSE.replace("INTERFACE", "lo") + "[csms]\nenabled = false\n"
    assert "certificate_dir: is required by tls" in str(found(text + '[iso15118]\ntls = "required"\n').mistakes[0])
    assert found(text + '[iso15118]\ntls = "off"\n').mistakes == ()
    assert found(text).mistakes == ()


def test_files_that_are_not_what_their_key_promises_are_mistakes(tmp_path: Path) -> None:
    path = secret(tmp_path / "password")
    text = f'[csms]\nurl = "wss://host"\nsecurity_profile = 3\ncertificate_file = "{path}"\nkey_file = "{path}"\n'
    first, second = found(text).mistakes
    assert "no PEM certificate" in str(first)
    assert "no PEM private key without a password" in str(second)


@pytest.mark.parametrize("key", ["sftp_known_hosts_file", "sftp_key_file"])
def test_files_for_sftp_are_looked_at(tmp_path: Path, key: str) -> None:
    text = f'[csms]\nenabled = false\n[station]\n{key} = "{tmp_path}/file"\n'
    assert "No such file or directory" in str(found(text).mistakes[0])
    (tmp_path / "file").touch(mode=0o644)
    (tmp_path / "file").chmod(0o644)
    mistakes = [str(mistake) for mistake in found(text).mistakes]
    assert ["every user may read it" in mistake for mistake in mistakes] == ([True] if key == "sftp_key_file" else [])
    (tmp_path / "file").chmod(0o600)
    assert found(text).mistakes == ()
