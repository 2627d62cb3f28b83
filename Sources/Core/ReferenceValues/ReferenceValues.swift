// ReferenceValues: placeholder of the first build, replaced by its room's files.
