/** A wake-up bus that says at once that it hears, and hears a moment later: whoever looks in between looks too early. */
import type { WakeupBus } from "../../src/store/port.ts";

const deafMs = 300;

export function hearLate(bus: WakeupBus): WakeupBus {
  const arming = new Map<object, Map<string, ReturnType<typeof setTimeout>>>();
  return {
    publish: (inbox) => bus.publish(inbox),
    subscribe(inbox, listener) {
      const timers = arming.get(listener) ?? new Map();
      arming.set(listener, timers);
      const arm = (): void => {
        timers.delete(inbox);
        void bus.subscribe(inbox, listener);
      };
      timers.set(inbox, setTimeout(arm, deafMs));
      return undefined;
    },
    unsubscribe(inbox, listener) {
      clearTimeout(arming.get(listener)?.get(inbox));
      arming.delete(listener);
      bus.unsubscribe(inbox, listener);
    },
  };
}
