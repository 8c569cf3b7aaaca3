import { createMemoryNetwork } from "../src/memory/index.ts";
import { transportContract } from "./contract.ts";

transportContract("memory", async ({ limits, onFault }) => {
  const network = createMemoryNetwork({ limits, onFault });
  return {
    listen: async (onConnection) => network.listen({ host: "here", port: 0, alpn: ["test"], onConnection }),
    dial: ({ host, port }) => network.dial({ host, port, alpn: ["test"] }),
  };
});
