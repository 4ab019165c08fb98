"""`./run certs DIR [--curve p521|ed448|p256|both]`: make a development PKI. Refuses to overwrite one."""

from __future__ import annotations

from pathlib import Path

import click

from certs.flaws import Flaw, flawed_tree
from certs.pki import CHAINS, Curve, Pki
from certs.tree import TREE

BOTH = "both"


@click.command()
@click.argument("directory", type=click.Path(path_type=Path))
@click.option(
    "--curve",
    type=click.Choice([*(c.value for c in Curve if c is not Curve.P384), BOTH]),
    default="p521",
    show_default=True,
)
@click.option(
    "--annex-b", is_flag=True, help="key identifiers and status addresses are critical, as in ISO 15118-20 Annex B"
)
@click.option("--flaw", type=click.Choice([flaw.value for flaw in Flaw]), help="make one chain that must be refused")
@click.option("--of", "leaf", type=click.Choice(CHAINS[:5]), default="contract", show_default=True, help="which chain")
@click.option("--replace", is_flag=True, help="make anew what is there")
def main(directory: Path, curve: str, annex_b: bool, flaw: str | None, leaf: str, replace: bool) -> None:
    """Make V2G, CPS, OEM, contract and CSMS chains with fresh keys in DIRECTORY (development only)."""
    if (directory / "v2g_root.pem").exists() and not replace:
        raise click.ClickException(f"{directory} holds a PKI already: --replace makes it anew")
    tree = TREE if flaw is None else flawed_tree(leaf, Flaw(flaw))
    pki = Pki(Curve.P521 if curve == BOTH else Curve(curve), tree=tree, annex_b=annex_b)
    try:
        pki.write(directory)
        if curve == BOTH:
            Pki(Curve.ED448, tree=tree, annex_b=annex_b).write_second(directory)
        if pki.curve is not Curve.P256:  # what ISO 15118-2 speaks
            Pki(Curve.P256, tree=tree).write_second(directory)
    except OSError as error:
        raise click.ClickException(
            f"{error.filename or directory}: {error.strerror}; give a directory that can be written"
        ) from error
    click.echo(f"{len(pki.certificates)} certificates on {pki.curve.value} in {directory}")
    for name, certificate in pki.certificates.items():
        click.echo(f"  {name:12} until {certificate.not_valid_after_utc:%Y-%m-%d}")
    if curve == BOTH:
        click.echo("and chains of secc, vehicle, contract and provisioning on ed448 beside them")
    if pki.curve is not Curve.P256:
        click.echo("and the same chains on p256 beside them, for ISO 15118-2")


if __name__ == "__main__":
    main()
