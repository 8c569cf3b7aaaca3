@0xb3a8f1c2e4d97650;
# The stand-alone authentication service that node.capnp's NodeService superseded (methods 0 and 1 there). A document of
# the older deployment: no code is generated from it and no server here speaks it.

interface AuthenticationService {
  uploadKeyPackage @0 (identityKey :Data, package :Data) -> (fingerprint :Data);
  # Adds a single-use MLS KeyPackage to the identity's pool. fingerprint = SHA-256(package).
  fetchKeyPackage @1 (identityKey :Data) -> (package :Data);
  # Takes the oldest KeyPackage out of the pool; empty when there is none.
}
