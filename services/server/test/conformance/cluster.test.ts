/** Every conformance suite over the store of several front-ends; its bus over a Redis Cluster too. */
import { cluster, clusterOnRedisCluster } from "./cluster-place.ts";
import { describeEverySuite } from "./every-suite.ts";
import { describeWakeupBus } from "./wakeup-bus.ts";

describeEverySuite(cluster);
describeWakeupBus(clusterOnRedisCluster);
