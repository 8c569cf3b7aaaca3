/** Clients that come and go, and clients that stay and are silent: for handshakes a second and memory a connection. */
import { type Connection, closeCodes } from "quicproquo-transport";
import { dialQuic } from "quicproquo-transport/quic";
import { alpn } from "./echo-server.ts";
import type { ConnectTask } from "./load.ts";
import { answerParent } from "../answer-parent.ts";

export type CrowdTask = Omit<ConnectTask, "connections">;

// 16 handshakes at once keep a server busy and its queue short
const lanes = 16;
const staying: Connection[] = [];
let isComing = false;

answerParent({
  /** From now on clients shake hands, fully, and leave. */
  come: (task: CrowdTask) => {
    isComing = true;
    for (let lane = 0; lane < lanes; lane++) void comeAndGo(task);
  },
  leave: () => {
    isComing = false;
  },
  /** Answers when so many are connected in all. */
  stay: async ({ connections, ...task }: ConnectTask) => {
    while (staying.length < connections) {
      const count = Math.min(lanes, connections - staying.length);
      staying.push(...(await Promise.all(Array.from({ length: count }, () => dial(task)))));
    }
  },
});

async function comeAndGo(task: CrowdTask): Promise<void> {
  while (isComing) {
    const connection = await dial(task);
    const closed = new Promise<void>((resolve) => {
      connection.onClose = () => resolve();
    });
    connection.close(closeCodes.done, "measured");
    await closed;
  }
}

function dial({ port, certificate }: CrowdTask): Promise<Connection> {
  const trust = { caCertificate: certificate };
  return dialQuic({ host: "127.0.0.1", port, serverName: "localhost", alpn: [alpn], trust });
}
