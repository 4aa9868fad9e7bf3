"""The words that `do` can be."""

from doorward.simulation import operators as by_operators
from doorward.simulation import steps

AnyStep = (
    steps.Present | steps.Keys | steps.Open | steps.Close | steps.PressRex | steps.LetGo
    | steps.TamperWith | steps.TamperNoMore
    | by_operators.Lockdown | by_operators.Unlockdown | by_operators.Unlock | by_operators.Normal
    | by_operators.AutoUnlock | by_operators.Admit | by_operators.RegenerateKey
    | by_operators.Disable | by_operators.Enable | by_operators.Forgive
    | by_operators.Reserve | by_operators.ReserveGroup
    | steps.StopServer | steps.KillServer | steps.StartServer
    | steps.CutLink | steps.RestoreLink | steps.CutPower | steps.RestorePower | steps.Drift
    | steps.StickContact | steps.FreeContact | steps.CutContact | steps.MendContact | steps.SlowReader
)  # fmt: skip
"""Whatever a `[[step]]` can be."""
