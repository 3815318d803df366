"""The REST interface held against its own OpenAPI document, by schemathesis."""
