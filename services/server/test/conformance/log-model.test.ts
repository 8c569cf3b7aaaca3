/** The message log against the reference store; also with segments so small that they come and go all the time. */
import { messageLog, smallSegments } from "./folder-place.ts";
import { describeModel } from "./model.ts";

describeModel(messageLog, 80);
describeModel(smallSegments, 40);
