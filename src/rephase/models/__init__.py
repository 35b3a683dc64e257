"""The networks: configurations without torch in `config`, modules in the files beside it."""
