"""How MaCo proves who it is: SASL mechanisms from the client's side, and the choice between them. Pure."""
