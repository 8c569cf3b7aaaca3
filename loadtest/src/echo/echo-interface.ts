/** cpp/echo.capnp, described by hand as the code generator would. */
import { type Method, StructBuilder, StructReader, type StructType } from "quicproquo-rpc/message";

class DataReader extends StructReader {
  get data(): Uint8Array {
    return this.getData(0);
  }
}
class DataBuilder extends StructBuilder {
  set data(value: Uint8Array) {
    this.setData(0, value);
  }
}
const data: StructType<DataReader, DataBuilder> = {
  name: "Echo.echo$Params",
  dataWords: 0,
  pointerWords: 1,
  Reader: DataReader,
  Builder: DataBuilder,
};

export const echo: Method<DataReader, DataBuilder, DataReader, DataBuilder> = {
  interfaceId: 0xe1a2_b3c4_d5e6_f710n,
  ordinal: 0,
  name: "echo",
  params: data,
  results: data,
};
