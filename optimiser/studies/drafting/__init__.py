"""From a list of organisations and a catalogue of services to an instance."""
