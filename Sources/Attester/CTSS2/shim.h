// The Enhanced System API of tpm2-tss 3.2 and what its macros hide from Swift.
#pragma once
#include <tss2/tss2_esys.h>
#include <tss2/tss2_mu.h>
#include <tss2/tss2_rc.h>
#include <tss2/tss2_tctildr.h>
