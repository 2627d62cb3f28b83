// AttestationTestKit
