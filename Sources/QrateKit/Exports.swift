// Configurations, reports and events are made of these types: whoever imports QrateKit needs their names.
@_exported public import QrateMeasurement
