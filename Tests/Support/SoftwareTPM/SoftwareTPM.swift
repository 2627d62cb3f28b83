// SoftwareTPM
