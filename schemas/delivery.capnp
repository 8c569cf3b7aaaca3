@0xc5d9e2b4f1a83076;
# The stand-alone delivery service that node.capnp's NodeService superseded (methods 2 and 3 there). A document of the
# older deployment: no code is generated from it and no server here speaks it.

interface DeliveryService {
  enqueue @0 (recipientKey :Data, payload :Data) -> ();
  # Appends an opaque payload to the recipient's queue.
  fetch @1 (recipientKey :Data) -> (payloads :List(Data));
  # Takes everything out of the queue, oldest first.
}
