# The one method of the echo measurement, spoken by the C++ reference (echo.cpp) and by ours (src/echo/).
@0x9c1f5a4e2d873020;

interface Echo @0xe1a2b3c4d5e6f710 {
  echo @0 (data :Data) -> (data :Data);
}
