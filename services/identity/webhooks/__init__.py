"""Systems that call us: each file is one kind and exports `webhook`."""
