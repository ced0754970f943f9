//! Points: a double-entry ledger. What leaves one account reaches another, so all balances together are always zero.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::codes;
use crate::fault::{Code, Fault};
use crate::id::{MemberId, TransferId};
use crate::invalid::Invalid;
use crate::won::Won;

/// Where points are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Account {
    /// A member's balance, the only kind that is stored and never below zero. The others are sums of transfers.
    Member(MemberId),
    /// What an artist has earned and was not settled yet.
    Artist(MemberId),
    /// What a member owes: below zero by what was to be taken back when it was spent already.
    Debt(MemberId),
    /// The shop's cash: below zero by what members bought and did not spend.
    Platform,
    /// What the shop gives away: below zero by what it gave.
    Promotion,
    /// What only a newer program knows.
    Unknown,
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Member(id) => write!(f, "MEMBER#{id}"),
            Self::Artist(id) => write!(f, "ARTIST#{id}"),
            Self::Debt(id) => write!(f, "DEBT#{id}"),
            Self::Platform => f.write_str("PLATFORM"),
            Self::Promotion => f.write_str("PROMOTION"),
            Self::Unknown => f.write_str("UNKNOWN"),
        }
    }
}

impl FromStr for Account {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        match text.split_once('#') {
            Some(("MEMBER", id)) => id.parse().map(Self::Member),
            Some(("ARTIST", id)) => id.parse().map(Self::Artist),
            Some(("DEBT", id)) => id.parse().map(Self::Debt),
            None if text == "PLATFORM" => Ok(Self::Platform),
            None if text == "PROMOTION" => Ok(Self::Promotion),
            _ => Err(Invalid::Format { expected: "PLATFORM" }),
        }
    }
}

impl From<String> for Account {
    fn from(text: String) -> Self {
        text.parse().unwrap_or(Self::Unknown)
    }
}

impl From<Account> for String {
    fn from(account: Account) -> Self {
        account.to_string()
    }
}

choice!(
    /// Why points move.
    Kind {
        /// Bought through KakaoPay.
        TopUp = "TOP_UP",
        /// Half a percent of the cash part of a purchase.
        Earned = "EARNED",
        /// What was earned on cash that went back.
        EarnedTakenBack = "EARNED_TAKEN_BACK",
        /// Earned, and owed for what was taken back before.
        DebtPaid = "DEBT_PAID",
        /// Spent at a purchase.
        Used = "USED",
        /// Back from a refunded purchase.
        Returned = "RETURNED",
        /// An artist's earnings of a month.
        Settled = "SETTLED",
        /// Bought points given back for money.
        TopUpRefunded = "TOP_UP_REFUNDED",
        /// Left behind by a deleted account.
        Forfeited = "FORFEITED",
    }
);

choice!(
    /// Whether a transfer counts.
    State {
        /// Set aside: no longer there to spend, not yet anyone else's.
        Pending = "PENDING",
        /// Done.
        Posted = "POSTED",
        /// Called off, as if it had never been.
        Voided = "VOIDED",
    }
);

/// Points on their way from one account to another. Nothing but its state ever changes, and that once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transfer {
    /// Its id.
    pub id: TransferId,
    /// The account it leaves.
    pub from: Account,
    /// The account it reaches.
    pub to: Account,
    /// How many points; one is one won.
    pub amount: Won,
    /// Why.
    pub kind: Kind,
    /// Whether it counts.
    pub state: State,
}

impl Transfer {
    /// Makes it count.
    ///
    /// # Errors
    /// When it is no longer pending, or a newer program's to settle.
    pub fn post(self) -> Result<Self, IllegalTransfer> {
        self.settle(State::Posted)
    }

    /// Calls it off.
    ///
    /// # Errors
    /// When it is no longer pending, or a newer program's to settle.
    pub fn void(self) -> Result<Self, IllegalTransfer> {
        self.settle(State::Voided)
    }

    fn settle(self, state: State) -> Result<Self, IllegalTransfer> {
        let known = self.kind != Kind::Unknown
            && self.from != Account::Unknown
            && self.to != Account::Unknown;
        if !known || self.state != State::Pending {
            return Err(IllegalTransfer { id: self.id, state: self.state });
        }
        Ok(Self { state, ..self })
    }
}

/// The points of an account by its posted transfers. Below zero only where points come from.
pub fn balance<'a>(account: Account, transfers: impl IntoIterator<Item = &'a Transfer>) -> i128 {
    let posted = transfers.into_iter().filter(|transfer| transfer.state == State::Posted);
    posted.map(|transfer| transfer.change_of(account)).sum()
}

/// The points that can be spent: the balance without what is set aside, or may be. What is still on its way in does not count.
pub fn available<'a>(account: Account, transfers: impl IntoIterator<Item = &'a Transfer>) -> i128 {
    let changes = transfers.into_iter().map(|transfer| match transfer.state {
        State::Posted => transfer.change_of(account),
        State::Pending | State::Unknown => transfer.change_of(account).min(0),
        State::Voided => 0,
    });
    changes.sum()
}

impl Transfer {
    fn change_of(&self, account: Account) -> i128 {
        let amount = i128::from(self.amount.get());
        i128::from(self.to == account) * amount - i128::from(self.from == account) * amount
    }
}

/// What a purchase earns: 0.5 % of the cash part, rounded down.
pub fn earned(cash: Won) -> Won {
    Won::new(cash.get() / 200)
}

/// What is taken back when cash goes back, so that what is left is what the kept cash earns. `None` when more goes back than
/// there was.
pub fn taken_back(cash: Won, refunded: Won) -> Option<Won> {
    let kept = cash.checked_sub(refunded)?;
    earned(cash).checked_sub(earned(kept))
}

/// What can be spent, and what is owed. None of it is ever below zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// What can be spent.
    pub balance: Won,
    /// How much of it was bought, and can be given back for money. What was given is spent first.
    pub bought: Won,
    /// What the next earning pays first.
    pub debt: Won,
}

/// Points that a purchase took, or gives back: how many, and how many of them were bought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// All of them.
    pub points: Won,
    /// Those that were bought.
    pub bought: Won,
}

impl Spent {
    /// What goes back when so much in all has gone back before: first what was bought, so that it can be had for money again.
    pub fn returns(self, before: Won, points: Won) -> Self {
        let until = |points: Won| points.min(self.bought).get();
        let after = before.get().saturating_add(points.get());
        let bought = Won::new(until(Won::new(after)).saturating_sub(until(before)));
        Self { points, bought }
    }
}

/// Points on their way: from, to, how many and why.
pub type Move = (Account, Account, Won, Kind);

impl Standing {
    /// A member earns: what they owe is paid first. `None` when the sum can't be written down.
    pub fn earns(self, member: MemberId, earned: Won) -> Option<(Self, Vec<Move>)> {
        let (own, debt) = (Account::Member(member), Account::Debt(member));
        let paid = self.debt.min(earned);
        let moves =
            [(Account::Promotion, own, earned, Kind::Earned), (own, debt, paid, Kind::DebtPaid)];
        let balance = self.balance.checked_add(earned.checked_sub(paid)?)?;
        Some((Self { balance, debt: self.debt.checked_sub(paid)?, ..self }, some(moves)))
    }

    /// Points are spent. `None` when there are not so many.
    pub fn spends(self, points: Won) -> Option<(Self, Spent)> {
        let after = self.without(points)?;
        let bought = self.bought.checked_sub(after.bought)?;
        Some((after, Spent { points, bought }))
    }

    /// Bought points go back for money. `None` when not so many of them are left.
    pub fn sells_back(self, points: Won) -> Option<Self> {
        let bought = self.bought.checked_sub(points)?;
        Some(Self { balance: self.balance.checked_sub(points)?, bought, ..self })
    }

    fn without(self, points: Won) -> Option<Self> {
        let balance = self.balance.checked_sub(points)?;
        Some(Self { balance, bought: self.bought.min(balance), ..self })
    }

    /// A purchase goes back: the points that paid for it return, then what it earned is taken back. What of that was spent already
    /// is owed, so that nobody keeps points of cash that went back, and no refund waits for points. `None` when a sum can't be
    /// written down.
    pub fn refunded(
        self,
        member: MemberId,
        returned: Spent,
        taken: Won,
    ) -> Option<(Self, Vec<Move>)> {
        let (own, debt) = (Account::Member(member), Account::Debt(member));
        let balance = self.balance.checked_add(returned.points)?;
        let bought = self.bought.checked_add(returned.bought)?;
        // Bought points pay for nothing but what their owner spends them on.
        let paid = taken.min(balance.checked_sub(bought)?);
        let owed = taken.checked_sub(paid)?;
        let moves = [
            (Account::Platform, own, returned.points, Kind::Returned),
            (own, Account::Promotion, paid, Kind::EarnedTakenBack),
            (debt, Account::Promotion, owed, Kind::EarnedTakenBack),
        ];
        let debt = self.debt.checked_add(owed)?;
        Some((Self { balance, bought, debt }.without(paid)?, some(moves)))
    }
}

/// What a member's transfers say of how they stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Books {
    /// What can be spent.
    pub balance: i128,
    /// What is owed.
    pub debt: i128,
    /// At least so many were bought and not spent, if all that was spent had been bought.
    bought_at_least: i128,
    /// At most so many: what was bought and did not go back for money.
    pub bought_at_most: i128,
    /// Some of them only a newer program knows, so that nothing is proved by them.
    pub newer: bool,
}

choice!(
    /// What is wrong with a ledger.
    Discrepancy {
        /// What can be spent is not what the transfers leave.
        Balance = "BALANCE",
        /// What is owed is not what the transfers say.
        Debt = "DEBT",
        /// More can be had for money than was bought, or less than was bought and not spent.
        Bought = "BOUGHT",
        /// There are transfers of a member and no balance.
        NoBalance = "NO_BALANCE",
        /// One of its two accounts does not find a transfer.
        Misfiled = "MISFILED",
        /// An item can't be read.
        Unreadable = "UNREADABLE",
    }
);

impl Books {
    /// Counts one of a member's transfers.
    pub fn count(&mut self, member: MemberId, transfer: &Transfer) {
        let (own, debt) = (Account::Member(member), Account::Debt(member));
        let Transfer { from, to, kind, state, .. } = *transfer;
        self.newer |= kind == Kind::Unknown || state == State::Unknown;
        self.newer |= from == Account::Unknown || to == Account::Unknown;
        let change = available(own, [transfer]);
        self.balance += change;
        self.debt -= balance(debt, [transfer]);
        match kind {
            Kind::TopUp | Kind::TopUpRefunded => {
                self.bought_at_least += change;
                self.bought_at_most += change;
            }
            // Nobody wrote into it how many of these were bought.
            Kind::Used | Kind::Forfeited => self.bought_at_least += change,
            Kind::Earned
            | Kind::EarnedTakenBack
            | Kind::DebtPaid
            | Kind::Returned
            | Kind::Settled
            | Kind::Unknown => {}
        }
    }

    /// Whether a member stands as their transfers say; what is wrong first, if not.
    ///
    /// # Errors
    /// What is wrong.
    pub fn prove(&self, standing: Standing) -> Result<(), Discrepancy> {
        let Standing { balance, bought, debt } = standing;
        let [balance, bought, debt] = [balance, bought, debt].map(|it| i128::from(it.get()));
        if balance != self.balance {
            Err(Discrepancy::Balance)
        } else if debt != self.debt {
            Err(Discrepancy::Debt)
        } else if bought > self.bought_at_most.min(balance) || bought < self.bought_at_least {
            Err(Discrepancy::Bought)
        } else {
            Ok(())
        }
    }
}

/// Points that can't be spent, nor had for money, until somebody has found out why their balance is not the sum of its transfers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the balance is not the sum of its transfers, and is looked into")]
pub struct UnderReview;

impl Fault for UnderReview {
    fn code(&self) -> Code {
        codes::POINTS_UNDER_REVIEW
    }
}

/// Nothing is no transfer.
fn some<const N: usize>(moves: [Move; N]) -> Vec<Move> {
    moves.into_iter().filter(|(_, _, amount, _)| !amount.is_zero()).collect()
}

/// A transfer that is already posted or voided, or that only a newer program knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the transfer {id}, which is {state}, can't be settled")]
pub struct IllegalTransfer {
    /// Which one.
    pub id: TransferId,
    /// Where it stands.
    pub state: State,
}

impl Fault for IllegalTransfer {
    fn code(&self) -> Code {
        codes::TRANSFER_STATE
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;

    fn transfer(from: Account, to: Account, amount: u64, state: State) -> Transfer {
        Transfer {
            id: TransferId::generate(),
            from,
            to,
            amount: Won::new(amount),
            kind: Kind::Used,
            state,
        }
    }

    fn accounts() -> [Account; 6] {
        let [mina, juno] = ["mem_01KB4ZXJ3V8Q5W7N2M6T9RHCDE", "mem_01KB4ZXJ3V8Q5W7N2M6T9RHCDF"]
            .map(|id| id.parse().unwrap());
        [
            Account::Member(mina),
            Account::Member(juno),
            Account::Artist(mina),
            Account::Debt(mina),
            Account::Platform,
            Account::Promotion,
        ]
    }

    #[test]
    fn a_pending_transfer_is_set_aside_until_it_is_posted_or_voided() {
        let [mina, .., platform, _] = accounts();
        let top_up = transfer(platform, mina, 1_000, State::Posted);
        let used = transfer(mina, platform, 400, State::Pending);
        let see = |used: Transfer| {
            let transfers = [top_up.clone(), used];
            (
                balance(mina, &transfers),
                available(mina, &transfers),
                available(platform, &transfers),
            )
        };
        assert_eq!(see(used.clone()), (1_000, 600, -1_000));
        assert_eq!(see(used.clone().post().unwrap()), (600, 600, -600));
        assert_eq!(see(used.void().unwrap()), (1_000, 1_000, -1_000));
    }

    #[test]
    fn a_transfer_is_settled_once() {
        let [mina, .., platform, _] = accounts();
        for state in [State::Posted, State::Voided] {
            let settled = transfer(mina, platform, 1, state);
            let refused = IllegalTransfer { id: settled.id, state };
            assert_eq!(settled.clone().post(), Err(refused));
            assert_eq!(settled.void(), Err(refused));
            assert_eq!(refused.code(), codes::TRANSFER_STATE);
        }
    }

    #[test]
    fn an_account_is_written_as_it_is_read() {
        for account in accounts() {
            assert_eq!(account.to_string().parse(), Ok(account));
            let json = serde_json::to_string(&account).unwrap();
            assert_eq!(serde_json::from_str::<Account>(&json).unwrap(), account);
        }
        for wrong in
            ["", "MEMBER", "MEMBER#", "member#mem_01KB4ZXJ3V8Q5W7N2M6T9RHCDE", "PLATFORM#1"]
        {
            assert!(wrong.parse::<Account>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_transfer_of_a_newer_program_is_read_and_nothing_is_spent_on_its_word() {
        let [mina, .., platform, _] = accounts();
        let of_kind = |kind: &str, from: &str, to: &str, state: &str| -> Transfer {
            let id = TransferId::generate();
            let newer = serde_json::json!({
                "id": id, "from": from, "to": to, "amount": 400, "kind": kind, "state": state,
            });
            serde_json::from_value(newer).unwrap()
        };
        let newer = |from: &str, to: &str, state: &str| of_kind("GIFT", from, to, state);
        let mina_text = mina.to_string();
        let transfers = [
            transfer(platform, mina, 1_000, State::Posted),
            newer(&mina_text, "CHARITY", "DISPUTED"),
            newer("CHARITY", &mina_text, "DISPUTED"),
        ];
        assert_eq!((balance(mina, &transfers), available(mina, &transfers)), (1_000, 600));
        let [_, given, _] = transfers;
        assert_eq!((given.to, given.kind), (Account::Unknown, Kind::Unknown));
        assert!(given.post().is_err());
        let (platform, ours) = (platform.to_string(), "USED");
        for not_ours in [
            of_kind("GIFT", &mina_text, &platform, "PENDING"),
            of_kind(ours, &mina_text, "CHARITY", "PENDING"),
            of_kind(ours, "CHARITY", &mina_text, "PENDING"),
            of_kind(ours, &mina_text, &platform, "DISPUTED"),
        ] {
            assert!(not_ours.clone().void().is_err(), "{not_ours:?}");
        }
        assert!(of_kind(ours, &mina_text, &platform, "PENDING").void().is_ok());
    }

    #[test]
    fn what_was_bought_and_not_spent_can_not_be_less() {
        let [mina, .., platform, _] = accounts();
        let Account::Member(member) = mina else { panic!("{mina:?}") };
        let mut books = Books::default();
        let top_up =
            Transfer { kind: Kind::TopUp, ..transfer(platform, mina, 1_000, State::Posted) };
        books.count(member, &top_up);
        books.count(member, &transfer(mina, platform, 300, State::Pending));
        let standing =
            |bought| Standing { balance: Won::new(700), bought: Won::new(bought), debt: Won::ZERO };
        assert_eq!(books.prove(standing(700)), Ok(()));
        assert_eq!(books.prove(standing(699)), Err(Discrepancy::Bought));
        assert!(!books.newer);
        books.count(member, &Transfer { kind: Kind::Unknown, ..top_up });
        assert!(books.newer, "of these a newer program knows what they are");
    }

    #[test]
    fn no_more_is_spent_than_there_is() {
        let standing = Standing { balance: Won::new(10), bought: Won::new(4), debt: Won::ZERO };
        assert_eq!(standing.spends(Won::new(11)), None);
        let (left, spent) = standing.spends(Won::new(8)).unwrap();
        assert_eq!(left, Standing { balance: Won::new(2), bought: Won::new(2), debt: Won::ZERO });
        assert_eq!(spent, Spent { points: Won::new(8), bought: Won::new(2) });
        assert_eq!(standing.sells_back(Won::new(5)), None, "the rest was given");
        let left = Standing { balance: Won::new(7), bought: Won::new(1), debt: Won::ZERO };
        assert_eq!(standing.sells_back(Won::new(3)), Some(left));
    }

    #[test]
    fn half_a_percent_of_the_cash_is_earned_rounded_down() {
        for (cash, points) in
            [(0, 0), (199, 0), (200, 1), (10_000, 50), (10_199, 50), (40_000_000, 200_000)]
        {
            assert_eq!(earned(Won::new(cash)), Won::new(points), "{cash}");
        }
        assert_eq!(taken_back(Won::new(100), Won::new(101)), None);
    }

    fn transfers() -> impl Strategy<Value = Vec<Transfer>> {
        let one = (
            select(accounts().to_vec()),
            select(accounts().to_vec()),
            any::<u64>(),
            select(State::ALL),
        );
        let one = one.prop_map(|(from, to, amount, state)| transfer(from, to, amount, state));
        prop::collection::vec(one, 0..50)
    }

    proptest! {
        #[test]
        fn all_balances_together_are_zero(transfers in transfers()) {
            let total: i128 = accounts().iter().map(|account| balance(*account, &transfers)).sum();
            prop_assert_eq!(total, 0);
        }

        #[test]
        fn a_balance_is_what_came_in_less_what_went_out(transfers in transfers()) {
            for account in accounts() {
                let mut running = 0;
                for transfer in transfers.iter().filter(|transfer| transfer.state == State::Posted) {
                    let amount = i128::from(transfer.amount.get());
                    if transfer.to == account { running += amount; }
                    if transfer.from == account { running -= amount; }
                }
                prop_assert_eq!(balance(account, &transfers), running);
                prop_assert!(available(account, &transfers) <= running);
            }
        }

        #[test]
        fn spending_only_what_is_available_never_goes_below_zero(
            spends in prop::collection::vec((1..2_000_u64, any::<bool>()), 0..30),
        ) {
            let [mina, .., platform, _] = accounts();
            let mut ledger = vec![transfer(platform, mina, 10_000, State::Posted)];
            for (amount, keeps) in spends {
                if i128::from(amount) > available(mina, &ledger) {
                    continue;
                }
                let pending = transfer(mina, platform, amount, State::Pending);
                ledger.push(pending.clone());
                prop_assert!(available(mina, &ledger) >= 0);
                let settled = if keeps { pending.post() } else { pending.void() };
                ledger.pop();
                ledger.push(settled.unwrap());
                prop_assert!(balance(mina, &ledger) >= 0);
            }
        }

        /// Earnings and refunds in any order: the books of all accounts agree with what stands, and are zero together.
        #[test]
        fn what_stands_is_the_sum_of_its_transfers_and_never_below_zero(
            steps in prop::collection::vec((0..3_u8, 0..500_u64, 0..500_u64), 0..40),
        ) {
            let [mina, ..] = ["mem_01KB4ZXJ3V8Q5W7N2M6T9RHCDE"].map(|id| id.parse().unwrap());
            let (own, debt) = (Account::Member(mina), Account::Debt(mina));
            let (mut standing, mut ledger) = (Standing::default(), Vec::new());
            for (step, one, other) in steps {
                let (next, moves) = match step {
                    0 => standing.earns(mina, Won::new(one)).unwrap(),
                    1 => {
                        let returned = Spent { points: Won::new(one), bought: Won::new(one / 2) };
                        standing.refunded(mina, returned, Won::new(other)).unwrap()
                    }
                    _ => {
                        let spent = standing.balance.min(Won::new(one));
                        let (next, of_it) = standing.spends(spent).unwrap();
                        let given = standing.balance.get() - standing.bought.get();
                        prop_assert!(of_it.bought.is_zero() || of_it.bought.get() + given == spent.get(), "what was given goes first");
                        (next, vec![(own, Account::Platform, spent, Kind::Used)])
                    }
                };
                prop_assert!(step != 0 || next.debt <= standing.debt, "an earning pays what is owed");
                prop_assert!(step != 0 || next.debt.is_zero() || next.balance == standing.balance, "and pays it first");
                prop_assert!(step != 1 || next.debt == standing.debt || next.balance == next.bought, "owed is what is not there");
                prop_assert!(next.bought <= next.balance, "nothing is given back for money that is not there");
                ledger.extend(moves.into_iter().map(|(from, to, amount, kind)| {
                    Transfer { from, to, amount, kind, ..transfer(from, to, 0, State::Posted) }
                }));
                standing = next;
                prop_assert_eq!(balance(own, &ledger), i128::from(standing.balance.get()));
                prop_assert_eq!(balance(debt, &ledger), -i128::from(standing.debt.get()));
            }
            let all = [own, debt, Account::Platform, Account::Promotion];
            prop_assert_eq!(all.iter().map(|account| balance(*account, &ledger)).sum::<i128>(), 0);
        }

        /// Whatever a member does with points, in any order: their books prove how they stand, and prove nothing else.
        #[test]
        fn any_history_proves_how_a_member_stands(
            steps in prop::collection::vec((0..8_u8, 1..500_u64, 0..500_u64), 0..60),
            forged in (0..3_usize, 1..100_u64),
        ) {
            let [mina, ..] = ["mem_01KB4ZXJ3V8Q5W7N2M6T9RHCDE"].map(|id| id.parse().unwrap());
            let own = Account::Member(mina);
            let (mut standing, mut ledger) = (Standing::default(), Vec::<Transfer>::new());
            let (mut aside, mut spent) = (Vec::<(usize, Spent)>::new(), Vec::<(Spent, Won)>::new());
            let moved = |(from, to, amount, kind): Move, state| {
                Transfer { kind, ..transfer(from, to, amount.get(), state) }
            };
            for (step, one, other) in steps {
                let amount = Won::new(one);
                match step {
                    0 => {
                        standing.balance = standing.balance.checked_add(amount).unwrap();
                        standing.bought = standing.bought.checked_add(amount).unwrap();
                        ledger.push(moved((Account::Platform, own, amount, Kind::TopUp), State::Posted));
                    }
                    1 => if let Some(after) = standing.sells_back(amount) {
                        standing = after;
                        ledger.push(moved((own, Account::Platform, amount, Kind::TopUpRefunded), State::Posted));
                    }
                    2 => {
                        let (after, moves) = standing.earns(mina, amount).unwrap();
                        standing = after;
                        ledger.extend(moves.into_iter().map(|it| moved(it, State::Posted)));
                    }
                    3 => if let Some((after, of_it)) = standing.spends(amount) {
                        standing = after;
                        aside.push((ledger.len(), of_it));
                        ledger.push(moved((own, Account::Platform, amount, Kind::Used), State::Pending));
                    }
                    4 => if let Some((at, of_it)) = aside.pop() {
                        ledger[at].state = State::Posted;
                        spent.push((of_it, Won::ZERO));
                    }
                    5 => if let Some((at, of_it)) = aside.pop() {
                        ledger[at].state = State::Voided;
                        standing.balance = standing.balance.checked_add(of_it.points).unwrap();
                        standing.bought = standing.bought.checked_add(of_it.bought).unwrap();
                    }
                    6 => {
                        let (of_it, before) = spent.pop().unwrap_or_default();
                        let points = amount.min(of_it.points.checked_sub(before).unwrap());
                        let returned = of_it.returns(before, points);
                        spent.push((of_it, before.checked_add(points).unwrap()));
                        let (after, moves) = standing.refunded(mina, returned, Won::new(other)).unwrap();
                        standing = after;
                        ledger.extend(moves.into_iter().map(|it| moved(it, State::Posted)));
                    }
                    // Who leaves, seldom: and what comes in afterwards.
                    _ if other < 50 && !standing.balance.is_zero() => {
                        ledger.push(moved((own, Account::Platform, standing.balance, Kind::Forfeited), State::Posted));
                        standing = Standing { balance: Won::ZERO, bought: Won::ZERO, ..standing };
                    }
                    _ => {}
                }
                let mut books = Books::default();
                ledger.iter().for_each(|transfer| books.count(mina, transfer));
                prop_assert_eq!(books.prove(standing), Ok(()));
                let (field, more) = forged;
                let mut wrong = standing;
                let (amount, discrepancy) = match field {
                    0 => (&mut wrong.balance, Discrepancy::Balance),
                    1 => (&mut wrong.debt, Discrepancy::Debt),
                    _ => (&mut wrong.bought, Discrepancy::Bought),
                };
                *amount = match field {
                    // More than was ever bought can't be had for money.
                    2 => Won::new(u64::try_from(books.bought_at_most).unwrap() + more),
                    _ => amount.checked_add(Won::new(more)).unwrap(),
                };
                prop_assert_eq!(books.prove(wrong), Err(discrepancy));
            }
        }

        #[test]
        fn points_that_go_back_in_parts_are_as_many_bought_ones_as_were_spent(bought in 0..1_000_u64, given in 0..1_000_u64, parts in prop::collection::vec(0..=100_u64, 0..5)) {
            let spent = Spent { points: Won::new(bought + given), bought: Won::new(bought) };
            let (mut before, mut back) = (0, 0);
            for part in parts {
                let part = (spent.points.get() - before) * part / 100;
                let returned = spent.returns(Won::new(before), Won::new(part));
                prop_assert_eq!(returned.points.get(), part);
                prop_assert!(returned.bought <= returned.points);
                (before, back) = (before + part, back + returned.bought.get());
                prop_assert_eq!(back, before.min(bought), "those that were bought come first");
            }
        }

        #[test]
        fn what_is_left_of_the_earned_is_what_the_kept_cash_earns(cash in 0..1_u64 << 40, parts in prop::collection::vec(0..=100_u64, 0..5)) {
            let mut kept = Won::new(cash);
            let mut points = earned(kept);
            for part in parts {
                let refunded = Won::new(kept.get() * part / 100);
                points = points.checked_sub(taken_back(kept, refunded).unwrap()).unwrap();
                kept = kept.checked_sub(refunded).unwrap();
                prop_assert_eq!(points, earned(kept));
            }
        }
    }
}
