"""`./run certs DIR [--curve p521|p256]`: make a development PKI. Refuses to overwrite one."""

from __future__ import annotations

from pathlib import Path

import click

from certs.pki import Curve, Pki


@click.command()
@click.argument("directory", type=click.Path(path_type=Path))
@click.option("--curve", type=click.Choice([c.value for c in Curve]), default="p521", show_default=True)
@click.option("--replace", is_flag=True, help="make anew what is there")
def main(directory: Path, curve: str, replace: bool) -> None:
    """Make V2G, OEM, contract and CSMS chains with fresh keys in DIRECTORY (development only)."""
    if (directory / "v2g_root.pem").exists() and not replace:
        raise click.ClickException(f"{directory} holds a PKI already: --replace makes it anew")
    pki = Pki(Curve(curve))
    try:
        pki.write(directory)
    except OSError as error:
        raise click.ClickException(
            f"{error.filename or directory}: {error.strerror}; give a directory that can be written"
        ) from error
    click.echo(f"{len(pki.certificates)} certificates on {curve} in {directory}")
    for name, certificate in pki.certificates.items():
        click.echo(f"  {name:10} until {certificate.not_valid_after_utc:%Y-%m-%d}")


if __name__ == "__main__":
    main()
