/// Logarithm and power of two in whole numbers.
///
/// The C library's `log` and `exp` differ in their last bits between machines, and one bit is enough to
/// make another row. These give the same bits everywhere; fixed point with 32 binary places.
enum FixedPoint {
  /// 1.0
  static let one: UInt64 = 1 << 32

  /// log₂ of `value`, which is at least 1; rounded down to 2⁻³².
  static func log2(_ value: UInt64) -> UInt64 {
    let value = max(value, 1)
    let whole = 63 - value.leadingZeroBitCount
    // 1.63 fixed point, in [1, 2). Squaring doubles the logarithm; what passes 2 is the next binary place.
    var mantissa = value << UInt64(value.leadingZeroBitCount)
    var result = UInt64(whole) << 32
    for place in 1...32 {
      let square = mantissa.multipliedFullWidth(by: mantissa)
      if square.high >> 63 == 1 {
        result |= 1 << UInt64(32 - place)
        mantissa = square.high
      } else {
        mantissa = (square.high << 1) | (square.low >> 63)
      }
    }
    return result
  }

  /// 2 to the power of the fraction of `exponent` (its lower 32 bits), as 1.63 fixed point in [1, 2).
  static func powerOfFraction(_ exponent: UInt64) -> UInt64 {
    var result: UInt64 = 1 << 63
    for place in 1...32 where exponent >> UInt64(32 - place) & 1 == 1 {
      let product = result.multipliedFullWidth(by: roots[place - 1])
      result = (product.high << 1) | (product.low >> 63)
    }
    return result
  }

  /// 2 to the power of `exponent`, rounded down; the largest number when it does not fit.
  static func exp2(_ exponent: UInt64) -> UInt64 {
    let whole = exponent >> 32
    guard whole < 64 else { return .max }
    return powerOfFraction(exponent) >> (63 - whole)
  }

  /// 2³² / 2^`exponent`, rounded down.
  static func inverseExp2(_ exponent: UInt64) -> UInt64 {
    // 2^-x = 2^(1-frac) / 2^(whole+1)
    let whole = exponent >> 32
    let fraction = exponent & (one - 1)
    if fraction == 0 { return whole > 32 ? 0 : one >> whole }
    guard whole < 32 else { return 0 }
    return powerOfFraction(one - fraction) >> (32 + whole)
  }

  /// 2 to the powers ½, ¼, … 2⁻³², as 1.63 fixed point, rounded down.
  private static let roots: [UInt64] = [
    0xB504_F333_F9DE_6484, 0x9837_F051_8DB8_A96F, 0x8B95_C1E3_EA8B_D6E6, 0x85AA_C367_CC48_7B14,
    0x82CD_8698_AC2B_A1D7, 0x8164_D1F3_BC03_0773, 0x80B1_ED4F_D999_AB6C, 0x8058_D7D2_D5E5_F6B0,
    0x802C_6436_D0E0_4F50, 0x8016_302F_1746_7628, 0x800B_179C_8202_8FD0, 0x8005_8BAF_7FEE_3B5D,
    0x8002_C5D0_0FDC_FCB6, 0x8001_62E6_1BED_4A48, 0x8000_B172_92F7_02A3, 0x8000_58B9_2ABB_AE02,
    0x8000_2C5C_8DAD_E4D7, 0x8000_162E_44EA_F636, 0x8000_0B17_21FA_7C18, 0x8000_058B_90DE_7E4C,
    0x8000_02C5_C867_8F36, 0x8000_0162_E431_DB9F, 0x8000_00B1_7218_72D0, 0x8000_0058_B90C_1AA8,
    0x8000_002C_5C86_05A4, 0x8000_0016_2E43_00E6, 0x8000_000B_1721_7FF8, 0x8000_0005_8B90_BFDD,
    0x8000_0002_C5C8_5FE6, 0x8000_0001_62E4_2FF1, 0x8000_0000_B172_17F8, 0x8000_0000_58B9_0BFC,
  ]
}
