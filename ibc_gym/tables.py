"""Everything that has a name: tables of strings.

A row is "module:attribute", and `loading.py` imports it when it is asked for. Adding a row is the whole registration.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

TASKS: Final[Mapping[str, str]] = {
    "particle": "ibc_gym.envs.tasks.particle:Particle",
    "reach": "ibc_gym.envs.tasks.reach:Reach",
    "push": "ibc_gym.envs.tasks.push:Push",
    "push-two-targets": "ibc_gym.envs.tasks.push_two_targets:PushTwoTargets",
    "push-multimodal": "ibc_gym.envs.tasks.push_multimodal:PushMultimodal",
    "push-red-then-green": "ibc_gym.envs.tasks.push_red_then_green:PushRedThenGreen",
    "push-red-green": "ibc_gym.envs.tasks.push_red_green:PushRedGreen",
    "insert": "ibc_gym.envs.tasks.insert:Insert",
    "sort": "ibc_gym.envs.tasks.sort:Sort",
}

WORKCELLS: Final[Mapping[str, str]] = {
    "particle": "ibc_gym.envs.simulators.particle_sim:make_workcell",
    "mujoco": "ibc_gym.envs.simulators.mujoco_sim:make_workcell",
    "pybullet": "ibc_gym.envs.simulators.bullet_sim:make_workcell",
    "xarm-emulated": "ibc_gym.hardware.workcells.emulated:make_workcell",
    "xarm": "ibc_gym.hardware.workcells.real:make_workcell",
}

REAL_TIME: Final = ("xarm-emulated", "xarm")
"""Workcells whose arm moves in real time, simulated or not: one second takes one second."""

UNMEASURED: Final = ("xarm",)
"""Workcells where nothing measures where things are: policies see pictures, and a person arranges and judges."""

RAW_STREAMS: Final = ("xarm-emulated", "xarm")
"""Workcells whose cameras are devices, with streams of their own that can be recorded beside what policies see."""

HARDWARE: Final[Mapping[str, str]] = {
    "rig": "ibc_gym.hardware.rig.table:serve",
    "faults": "ibc_gym.hardware.rig.schedule:arm_faults",
    "known faults": "ibc_gym.hardware.rig.schedule:known",
    "studio": "ibc_gym.hardware.rig.cameras.studio:Studio",
    "filmed": "ibc_gym.hardware.rig.cameras.models:filmed",
}
"""What programs need of the hardware beside its workcells."""

THREADED: Final = ("mujoco",)
"""Workcells that many threads may step, and that compute without Python's lock."""

VECTOR_ENVS: Final[Mapping[str, str]] = {
    "particle": "ibc_gym.envs.simulators.particle_vector:ParticleVectorEnv",
}
"""Tasks whose many environments are stepped as arrays, where their kind `hosts` the config."""

ORACLES: Final[Mapping[str, str]] = {
    "particle": "ibc_gym.envs.oracles.particle:ParticleOracle",
    "reach": "ibc_gym.envs.oracles.reach:ReachOracle",
    "push": "ibc_gym.envs.oracles.push:PushOracle",
    "push-two-targets": "ibc_gym.envs.oracles.push_two_targets:PushTwoTargetsOracle",
    "push-multimodal": "ibc_gym.envs.oracles.push_multimodal:PushMultimodalOracle",
    "push-red-then-green": "ibc_gym.envs.oracles.push_red_then_green:PushRedThenGreenOracle",
    "push-red-green": "ibc_gym.envs.oracles.push_red_green:PushRedGreenOracle",
    "insert": "ibc_gym.envs.oracles.insert:InsertOracle",
    "sort": "ibc_gym.envs.oracles.sort:SortOracle",
}
"""The scripted demonstrator of each task."""

FRAMES: Final[Mapping[str, str]] = {
    "particle": "ibc_gym.envs.tasks.particle_frame:BetweenGoals",
    "push": "ibc_gym.envs.tasks.push_frame:BlockToTarget",
    "push-two-targets": "ibc_gym.envs.tasks.push_two_targets_frame:BlockToNextTarget",
    "insert": "ibc_gym.envs.tasks.insert_frame:SlotAxis",
    "sort": "ibc_gym.envs.tasks.sort_frame:BlockAtTip",
    "pusht": "ibc_gym.envs.human.pusht_frame:PushTGoal",
}
"""The canonical frame that a task offers."""

POLICIES: Final[Mapping[str, str]] = {
    "ebm": "ibc_gym.policies.ebm:EBM",
    "autoregressive": "ibc_gym.policies.autoregressive:Autoregressive",
    "ranking": "ibc_gym.policies.ranking:Ranking",
    "mse": "ibc_gym.policies.mse:MSE",
    "mdn": "ibc_gym.policies.mdn:MDN",
    "diffusion": "ibc_gym.policies.diffusion:Diffusion",
    "flow": "ibc_gym.policies.flow_matching:FlowMatching",
    "nearest": "ibc_gym.policies.nearest:Nearest",
}

EXPORTABLE: Final = ("ebm", "autoregressive", "ranking", "mse", "mdn", "diffusion", "flow")
"""Policies that can be written as a graph."""

EXPORTING: Final[Mapping[str, str]] = {
    "graph": "ibc_gym.policies.exporting.graph:Graph",
    "exact": "ibc_gym.policies.exporting.graph:exact",
    "made-up": "ibc_gym.policies.exporting.made_up:made_up",
    "torch-export": "ibc_gym.policies.exporting.files:write_torch_export",
    "onnx": "ibc_gym.policies.exporting.files:write_onnx",
}
"""What policies are exported by: what makes the graph, what it is held to and on what, and what writes it in each format."""

IDLE_SETTINGS: Final = "ibc_gym.policies.idle:idle"
"""What says which settings of a policy nothing reads as its others are."""

PRESETS: Final[Mapping[str, str]] = {
    "paper/push-states-dfo": "ibc_gym.policies.presets.paper:PUSH_STATES_DFO",
    "paper/push-states-mse": "ibc_gym.policies.presets.paper:PUSH_STATES_MSE",
    "paper/push-states-mdn": "ibc_gym.policies.presets.paper:PUSH_STATES_MDN",
    "paper/push-pixels-dfo": "ibc_gym.policies.presets.paper:PUSH_PIXELS_DFO",
    "paper/push-pixels-mse": "ibc_gym.policies.presets.paper:PUSH_PIXELS_MSE",
    "paper/push-pixels-mdn": "ibc_gym.policies.presets.paper:PUSH_PIXELS_MDN",
    "paper/particle-langevin": "ibc_gym.policies.presets.paper:PARTICLE_LANGEVIN",
    "paper/particle-mse": "ibc_gym.policies.presets.paper:PARTICLE_MSE",
    "paper/human-ebm": "ibc_gym.policies.presets.paper:HUMAN_EBM",
    "paper/human-mse": "ibc_gym.policies.presets.paper:HUMAN_MSE",
    "paper/planar-sweeping": "ibc_gym.policies.presets.paper:PLANAR_SWEEPING",
    "paper/planar-sweeping-mse": "ibc_gym.policies.presets.paper:PLANAR_SWEEPING_MSE",
    "paper/bimanual-sweeping": "ibc_gym.policies.presets.paper:BIMANUAL_SWEEPING",
    "paper/bimanual-sweeping-mse": "ibc_gym.policies.presets.paper:BIMANUAL_SWEEPING_MSE",
    "paper/real-push": "ibc_gym.policies.presets.paper:REAL_PUSH",
    "paper/real-push-mse": "ibc_gym.policies.presets.paper:REAL_PUSH_MSE",
    "paper/real-push-multimodal": "ibc_gym.policies.presets.paper:REAL_PUSH_MULTIMODAL",
    "paper/real-push-multimodal-mse": "ibc_gym.policies.presets.paper:REAL_PUSH_MULTIMODAL_MSE",
    "paper/real-insert": "ibc_gym.policies.presets.paper:REAL_INSERT",
    "paper/real-insert-mse": "ibc_gym.policies.presets.paper:REAL_INSERT_MSE",
    "paper/real-sort": "ibc_gym.policies.presets.paper:REAL_SORT",
    "paper/real-sort-mse": "ibc_gym.policies.presets.paper:REAL_SORT_MSE",
    "released/push-states-dfo": "ibc_gym.policies.presets.released:PUSH_STATES_DFO",
    "released/push-states-dfo-fast": "ibc_gym.policies.presets.released:PUSH_STATES_DFO_FAST",
    "released/push-states-langevin": "ibc_gym.policies.presets.released:PUSH_STATES_LANGEVIN",
    "released/push-states-mse": "ibc_gym.policies.presets.released:PUSH_STATES_MSE",
    "released/push-states-mse-fast": "ibc_gym.policies.presets.released:PUSH_STATES_MSE_FAST",
    "released/push-states-mdn": "ibc_gym.policies.presets.released:PUSH_STATES_MDN",
    "released/push-pixels-dfo": "ibc_gym.policies.presets.released:PUSH_PIXELS_DFO",
    "released/push-pixels-langevin": "ibc_gym.policies.presets.released:PUSH_PIXELS_LANGEVIN",
    "released/push-pixels-mse": "ibc_gym.policies.presets.released:PUSH_PIXELS_MSE",
    "released/push-pixels-mdn": "ibc_gym.policies.presets.released:PUSH_PIXELS_MDN",
    "released/particle-langevin": "ibc_gym.policies.presets.released:PARTICLE_LANGEVIN",
    "released/particle-langevin-best": "ibc_gym.policies.presets.released:PARTICLE_LANGEVIN_BEST",
    "released/particle-dfo": "ibc_gym.policies.presets.released:PARTICLE_DFO",
    "released/particle-mse": "ibc_gym.policies.presets.released:PARTICLE_MSE",
    "released/particle-mse-best": "ibc_gym.policies.presets.released:PARTICLE_MSE_BEST",
    "released/human-ebm": "ibc_gym.policies.presets.released:HUMAN_EBM",
    "released/human-mse": "ibc_gym.policies.presets.released:HUMAN_MSE",
    "released/human-mdn": "ibc_gym.policies.presets.released:HUMAN_MDN",
    "fast/push-frame": "ibc_gym.policies.presets.fast:PUSH_FRAME",
    "fast/push-frame-mse": "ibc_gym.policies.presets.fast:PUSH_FRAME_MSE",
    "fast/push-frame-mdn": "ibc_gym.policies.presets.fast:PUSH_FRAME_MDN",
    "fast/push-two-targets-frame": "ibc_gym.policies.presets.fast:PUSH_TWO_TARGETS_FRAME",
    "fast/push-two-targets-frame-mse": "ibc_gym.policies.presets.fast:PUSH_TWO_TARGETS_FRAME_MSE",
    "fast/push-two-targets-frame-mdn": "ibc_gym.policies.presets.fast:PUSH_TWO_TARGETS_FRAME_MDN",
    "fast/push": "ibc_gym.policies.presets.fast:PUSH",
    "fast/push-mse": "ibc_gym.policies.presets.fast:PUSH_MSE",
    "fast/push-mdn": "ibc_gym.policies.presets.fast:PUSH_MDN",
    "fast/push-ranked": "ibc_gym.policies.presets.few_choices:PUSH_RANKED",
    "fast/push-chunked": "ibc_gym.policies.presets.chunks:PUSH_CHUNKED",
    "fast/push-diffusion": "ibc_gym.policies.presets.chunks:PUSH_DIFFUSION",
    "fast/push-flow": "ibc_gym.policies.presets.chunks:PUSH_FLOW",
    "fast/particle": "ibc_gym.policies.presets.fast:PARTICLE",
    "fast/particle-langevin": "ibc_gym.policies.presets.fast:PARTICLE_LANGEVIN",
    "fast/particle-8-langevin": "ibc_gym.policies.presets.fast:PARTICLE_8_LANGEVIN",
    "fast/particle-frame": "ibc_gym.policies.presets.few_choices:PARTICLE_FRAME",
    "fast/particle-frame-mdn": "ibc_gym.policies.presets.few_choices:PARTICLE_FRAME_MDN",
    "fast/particle-frame-mse": "ibc_gym.policies.presets.few_choices:PARTICLE_FRAME_MSE",
    "fast/particle-32-frame": "ibc_gym.policies.presets.few_choices:PARTICLE_32_FRAME",
    "fast/particle-32-frame-mdn": "ibc_gym.policies.presets.few_choices:PARTICLE_32_FRAME_MDN",
    "fast/particle-32-frame-mse": "ibc_gym.policies.presets.few_choices:PARTICLE_32_FRAME_MSE",
    "fast/particle-2": "ibc_gym.policies.presets.few_choices:PARTICLE_2",
    "fast/particle-4": "ibc_gym.policies.presets.few_choices:PARTICLE_4",
    "fast/particle-8": "ibc_gym.policies.presets.few_choices:PARTICLE_8",
    "fast/particle-16": "ibc_gym.policies.presets.few_choices:PARTICLE_16",
    "fast/particle-32": "ibc_gym.policies.presets.few_choices:PARTICLE_32",
    "fast/particle-2-mdn": "ibc_gym.policies.presets.few_choices:PARTICLE_2_MDN",
    "fast/particle-4-mdn": "ibc_gym.policies.presets.few_choices:PARTICLE_4_MDN",
    "fast/particle-8-mdn": "ibc_gym.policies.presets.few_choices:PARTICLE_8_MDN",
    "fast/particle-16-mdn": "ibc_gym.policies.presets.few_choices:PARTICLE_16_MDN",
    "fast/particle-32-mdn": "ibc_gym.policies.presets.few_choices:PARTICLE_32_MDN",
    "fast/particle-32-mse": "ibc_gym.policies.presets.few_choices:PARTICLE_32_MSE",
    "fast/particle-mse": "ibc_gym.policies.presets.few_choices:PARTICLE_MSE",
    "fast/insert": "ibc_gym.policies.presets.few_choices:INSERT",
    "fast/insert-mse": "ibc_gym.policies.presets.few_choices:INSERT_MSE",
    "fast/insert-mdn": "ibc_gym.policies.presets.few_choices:INSERT_MDN",
    "fast/sort": "ibc_gym.policies.presets.few_choices:SORT",
    "fast/sort-mse": "ibc_gym.policies.presets.few_choices:SORT_MSE",
    "fast/sort-mdn": "ibc_gym.policies.presets.few_choices:SORT_MDN",
    "fast/pixels": "ibc_gym.policies.presets.fast:PIXELS",
    "fast/pixels-mdn": "ibc_gym.policies.presets.fast:PIXELS_MDN",
    "fast/pixels-mse": "ibc_gym.policies.presets.fast:PIXELS_MSE",
    "fast/door": "ibc_gym.policies.presets.human:DOOR",
    "fast/door-mse": "ibc_gym.policies.presets.human:DOOR_MSE",
    "fast/door-mdn": "ibc_gym.policies.presets.human:DOOR_MDN",
    "fast/relocate": "ibc_gym.policies.presets.human:RELOCATE",
    "fast/relocate-mse": "ibc_gym.policies.presets.human:RELOCATE_MSE",
    "fast/relocate-mdn": "ibc_gym.policies.presets.human:RELOCATE_MDN",
    "fast/kitchen": "ibc_gym.policies.presets.human:KITCHEN",
    "fast/kitchen-mse": "ibc_gym.policies.presets.human:KITCHEN_MSE",
    "fast/kitchen-mdn": "ibc_gym.policies.presets.human:KITCHEN_MDN",
    "fast/pusht": "ibc_gym.policies.presets.fast:PUSHT",
    "fast/pusht-mse": "ibc_gym.policies.presets.fast:PUSHT_MSE",
    "fast/pusht-frame": "ibc_gym.policies.presets.fast:PUSHT_FRAME",
    "fast/pusht-frame-mse": "ibc_gym.policies.presets.fast:PUSHT_FRAME_MSE",
    "fast/pusht-frame-mdn": "ibc_gym.policies.presets.fast:PUSHT_FRAME_MDN",
    "fast/pusht-chunked": "ibc_gym.policies.presets.chunks:PUSHT_CHUNKED",
    "fast/pusht-chunked-mdn": "ibc_gym.policies.presets.chunks:PUSHT_CHUNKED_MDN",
    "fast/pusht-chunked-mse": "ibc_gym.policies.presets.chunks:PUSHT_CHUNKED_MSE",
    "fast/pusht-diffusion": "ibc_gym.policies.presets.chunks:PUSHT_DIFFUSION",
    "fast/pusht-flow": "ibc_gym.policies.presets.chunks:PUSHT_FLOW",
}
"""Named configurations of policies and how to train them; each a record with `policy`, `config`, `training`."""

TELEOPERATION: Final[Mapping[str, str]] = {
    "keyboard": "ibc_gym.hardware.teleop.keyboard:Keyboard",
    "spacemouse": "ibc_gym.hardware.teleop.spacemouse:SpaceMouse",
    "gamepad": "ibc_gym.hardware.teleop.gamepad:Gamepad",
}
"""What a person can hold; its constructor takes nothing and connects."""

PEOPLE: Final[Mapping[str, str]] = {
    "hand": "ibc_gym.hardware.teleop.hand:HandConfig",
    "person": "ibc_gym.hardware.teleop.person:open_person",
    "take-over": "ibc_gym.hardware.teleop.take_over:TakeOver",
    "page": "ibc_gym.hardware.table.screen:page",
    "brake": "ibc_gym.hardware.teleop.brake:Brake",
    "toucher": "ibc_gym.hardware.workcells.hands:hand_at",
}
"""What a person who acts is made of."""

STAGES: Final[Mapping[str, str]] = {
    "calibration": "ibc_gym.envs.tasks.calibration:CalibrationStage",
}
"""Scenes that a workcell can host though there is nothing to learn in them."""

GYM_PREFIX: Final = "gym:"
"""`gym:AdroitHandDoor-v1` is any Gymnasium environment by its id."""
