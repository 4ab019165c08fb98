"""Makes the message classes and codec functions from the XML SchemaFolder; a development tool, never imported by the daemon.

The schemas themselves are not part of this project. They come in the wheel of the PyPI package `iso15118`:

    pip download --no-deps iso15118==0.31.2
    unzip iso15118-0.31.2-py3-none-any.whl 'iso15118/shared/schemas/*'
    python -m chargepoint.iso15118.exi.generator --schemas iso15118/shared/schemas

A second run writes the same bytes. Reading order: `xsd` (schemas to a model), `grammar` (model to EXI
grammars), `modules` (namespaces and names), `emit_messages`, `emit_codec`.
"""
